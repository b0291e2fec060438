// What a fitted scikit-learn estimator says of itself: version, features, classes and task.
import type { Facts } from "../reading.ts";
import type { Label, Task } from "../model.ts";
import type { Part } from "./part.ts";

/** Estimators inside estimators deeper than this are not looked for. */
const deepest = 16;

/** Regressors whose names do not end so that one can tell. Source: sklearn's RegressorMixin. */
const regressors = new Set(
  `BayesianRidge CCA ElasticNet ElasticNetCV IsotonicRegression KernelRidge Lars LarsCV Lasso LassoCV LassoLars
   LassoLarsCV LassoLarsIC LinearSVR MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV
   NuSVR OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PLSCanonical RegressorChain Ridge RidgeCV SVR`.split(
    /\s+/,
  ),
);

/** Facts of the estimator that a file holds. Distribution names are those of PyPI. */
export function factsOf(root: Part, libraries: Record<string, string | null>): Facts {
  const last = lastOf(root);
  const featureNames = textsOf(firstOf(root)?.attribute("feature_names_in_")?.labels() ?? null);
  const count = firstOf(root)?.attribute("n_features_in_")?.scalar() ?? null;
  const version =
    root.attribute("_sklearn_version")?.scalar() ?? last.attribute("_sklearn_version")?.scalar();
  const regressor = isRegressor(last.className ?? "");
  const classes = regressor ? null : classesOf(last);
  return {
    estimator: root.className,
    libraries: typeof version === "string" ? { ...libraries, "scikit-learn": version } : libraries,
    featureNames,
    featureCount: typeof count === "number" ? count : (featureNames?.length ?? null),
    classes,
    task: taskOf(regressor, classes),
  };
}

/** Whether a qualified class name is that of a regressor. */
function isRegressor(className: string): boolean {
  const name = className.slice(className.lastIndexOf(".") + 1);
  if (name.startsWith("LogisticRegression")) return false;
  return name.endsWith("Regressor") || name.endsWith("Regression") || regressors.has(name);
}

function taskOf(regressor: boolean, classes: Label[] | null): Task | null {
  if (regressor) return "regression";
  if (classes === null || classes.length < 2) return null;
  return classes.length === 2 ? "binary" : "multiclass";
}

/** The estimator that predicts: the last step, the best found, the one wrapped. */
function lastOf(root: Part): Part {
  let part = root;
  for (let depth = 0; depth < deepest; depth += 1) {
    const next = steps(part)?.at(-1) ?? wrapped(part);
    if (next === null) break;
    part = next;
  }
  return part;
}

/** The estimator that takes the input, and so knows the features. */
function firstOf(root: Part): Part | null {
  let part: Part | null = root;
  for (let depth = 0; part !== null && depth < deepest; depth += 1) {
    if (part.attribute("n_features_in_") !== null) return part;
    const first: Part | undefined = steps(part)?.find((step) => step.className !== null);
    part = first ?? wrapped(part);
  }
  return part;
}

/** The estimator that another one only searches for, selects for, or holds. */
function wrapped(part: Part): Part | null {
  const name = part.className?.slice(part.className.lastIndexOf(".") + 1) ?? "";
  if (name === "FrozenEstimator") return part.attribute("estimator");
  if (/^(RFE|RFECV|TunedThresholdClassifierCV|FixedThresholdClassifier)$/.test(name))
    return part.attribute("estimator_");
  return part.attribute("best_estimator_") ?? part.attribute("regressor_");
}

function steps(part: Part): Part[] | null {
  if (part.className === null || !part.className.endsWith(".Pipeline")) return null;
  const named = part.attribute("steps")?.items() ?? [];
  return named.flatMap((step) => step.items()?.[1] ?? []);
}

function classesOf(part: Part): Label[] | null {
  const holders = [
    part,
    ...["label_binarizer_", "_label_binarizer", "_label_encoder", "le_"].map((name) => part.attribute(name)),
  ];
  for (const holder of holders) {
    const classes = holder?.attribute("classes_")?.labels() ?? null;
    if (classes !== null && classes.length > 0) return classes;
  }
  return null;
}

function textsOf(labels: Label[] | null): string[] | null {
  const isText = (label: Label): label is string => typeof label === "string";
  return labels !== null && labels.length > 0 && labels.every(isText) ? labels : null;
}
