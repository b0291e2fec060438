// The globals that a pickled model may name without being asked about: an exact list, nothing by module.
// A name is here only when neither importing it nor what the pickle may do with it can run other code.
import { isSklearnClass } from "./sklearn-classes.ts";
import type { Permission } from "./values.ts";

/** Functions and constructors that are called; `calls.ts` checks the arguments of each. */
const functions = words(`
  _codecs.encode copyreg._reconstructor
  builtins.set builtins.frozenset builtins.bytearray builtins.bytes builtins.complex builtins.slice builtins.range
  collections.OrderedDict collections.defaultdict collections.Counter
  datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone decimal.Decimal
  numpy.dtype
  numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct
  numpy.core.multiarray.scalar numpy._core.multiarray.scalar
  numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
  numpy.core._ufunc_reconstruct numpy._core._ufunc_reconstruct
  numpy.ma.core._mareconstruct
  numpy.random._pickle.__randomstate_ctor numpy.random._pickle.__generator_ctor
  numpy.random._pickle.__bit_generator_ctor numpy.random.bit_generator.__pyx_unpickle_SeedSequence
  sklearn.neighbors._kd_tree.newObj sklearn.neighbors._ball_tree.newObj
  sklearn.neighbors.kd_tree.newObj sklearn.neighbors.ball_tree.newObj
  sklearn.metrics._dist_metrics.newObj sklearn.metrics._dist_metrics.newObj32
  sklearn.metrics._dist_metrics.newObj64 sklearn.neighbors._dist_metrics.newObj
`);

/** Classes whose instances are plain data. Boosters bring theirs as text or bytes of their own format. */
const classes = words(`
  joblib.numpy_pickle.NumpyArrayWrapper
  scipy.sparse._csr.csr_matrix scipy.sparse._csc.csc_matrix scipy.sparse._coo.coo_matrix
  scipy.sparse._csr.csr_array scipy.sparse._csc.csc_array scipy.sparse._coo.coo_array
  scipy.sparse.csr.csr_matrix scipy.sparse.csc.csc_matrix scipy.sparse.coo.coo_matrix
  scipy.interpolate._bsplines.BSpline
  lightgbm.basic.Booster lightgbm.sklearn.LGBMClassifier lightgbm.sklearn.LGBMRegressor lightgbm.sklearn.LGBMRanker
  xgboost.core.Booster xgboost.sklearn.XGBClassifier xgboost.sklearn.XGBRegressor xgboost.sklearn.XGBRanker
  xgboost.sklearn.XGBRFClassifier xgboost.sklearn.XGBRFRegressor
  catboost.core.CatBoost catboost.core.CatBoostClassifier catboost.core.CatBoostRegressor catboost.core.CatBoostRanker
`);

/** Types and functions that are only passed around: parameters such as `dtype=float` or `func=numpy.log1p`. */
const values = words(`
  builtins.object builtins.int builtins.float builtins.bool builtins.str builtins.list builtins.dict
  builtins.tuple builtins.Ellipsis builtins.NotImplemented
  numpy.ndarray numpy.bool numpy.bool_ numpy.int8 numpy.int16 numpy.int32 numpy.int64 numpy.intp
  numpy.uint8 numpy.uint16 numpy.uint32 numpy.uint64 numpy.float16 numpy.float32 numpy.float64
  numpy.complex64 numpy.complex128 numpy.object_ numpy.str_ numpy.bytes_
  numpy.ma.MaskedArray numpy.ma.core.MaskedArray
  numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64 numpy.random._pcg64.PCG64DXSM
  numpy.random._philox.Philox numpy.random._sfc64.SFC64 numpy.random.bit_generator.SeedSequence
  numpy.nan_to_num numpy.clip numpy.round numpy.mean numpy.median numpy.sum numpy.min numpy.max numpy.std numpy.var
  scipy.special._ufuncs.expit scipy.special._ufuncs.logit
  scipy.special._special_ufuncs.expit scipy.special._special_ufuncs.logit
  scipy._lib.array_api_compat.numpy._aliases.asarray
  sklearn.feature_selection._univariate_selection.f_classif sklearn.feature_selection._univariate_selection.f_regression
  sklearn.feature_selection._univariate_selection.chi2 sklearn.feature_selection._univariate_selection.r_regression
  sklearn.cluster._kmeans._kmeans_single_lloyd sklearn.cluster._kmeans._kmeans_single_elkan
  sklearn.feature_selection._mutual_info.mutual_info_classif
  sklearn.feature_selection._mutual_info.mutual_info_regression
`);

/** numpy's element-wise functions. */
const ufuncs = words(`
  abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh
  cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide equal exp exp2 expm1 fabs float_power floor
  floor_divide fmax fmin fmod greater greater_equal heaviside hypot invert isfinite isinf isnan less less_equal
  log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor maximum minimum mod
  multiply negative not_equal positive power rad2deg radians reciprocal remainder rint sign sin sinh sqrt square
  subtract tan tanh true_divide trunc
`);
const ufuncModules = words(
  "numpy numpy.core._multiarray_umath numpy._core._multiarray_umath numpy.core.umath",
);

/** Scores that searches and scorers refer to. */
const scores = words(`
  accuracy_score average_precision_score balanced_accuracy_score brier_score_loss cohen_kappa_score
  d2_absolute_error_score d2_log_loss_score d2_pinball_score d2_tweedie_score explained_variance_score f1_score
  fbeta_score hamming_loss hinge_loss jaccard_score log_loss matthews_corrcoef max_error mean_absolute_error
  mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss mean_poisson_deviance mean_squared_error
  mean_squared_log_error mean_tweedie_deviance median_absolute_error ndcg_score precision_score r2_score
  recall_score roc_auc_score root_mean_squared_error root_mean_squared_log_error top_k_accuracy_score zero_one_loss
`);
const scoreModules = words(
  "sklearn.metrics._classification sklearn.metrics._regression sklearn.metrics._ranking",
);

const cythonLoss = /^__pyx_unpickle_(Cy[A-Za-z]+)$/;

/** What the pickle may do with a global; null when it is not allowed. */
export function permissionOf(module: string, name: string): Permission | null {
  const qualified = `${module}.${name}`;
  if (functions.has(qualified) || isLossMaker(qualified)) return "function";
  if (classes.has(qualified) || isSklearnClass(module, name)) return "class";
  if (values.has(qualified)) return "value";
  if (ufuncModules.has(module) && ufuncs.has(name)) return "value";
  if (scoreModules.has(module) && scores.has(name)) return "value";
  return null;
}

/** Whether `numpy.<name>` is an element-wise function. */
export function isUfunc(name: string): boolean {
  return ufuncs.has(name);
}

/** Whether the function only makes one of scikit-learn's Cython losses. */
export function isLossMaker(qualified: string): boolean {
  const at = qualified.lastIndexOf(".");
  const module = qualified.slice(0, at);
  const [, loss] = cythonLoss.exec(qualified.slice(at + 1)) ?? [];
  return (
    loss !== undefined &&
    (module === "_loss" || module === "sklearn._loss._loss") &&
    isSklearnClass(module, loss)
  );
}

/**
 * Under protocols below 3 unpicklers translate the names of Python 2. Only these two modules appear
 * in models; what any other old name becomes is not allowed under its old name either.
 */
export function currentModule(module: string): string {
  if (module === "__builtin__") return "builtins";
  return module === "copy_reg" ? "copyreg" : module;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}
