// Whether an estimator wants its input as a pandas data frame: a step of it may look at column names or dtypes.

/** Packages whose classes work on plain arrays, ColumnTransformer and FunctionTransformer aside. */
const plain =
  /^(sklearn|_loss|numpy|scipy|joblib|builtins|collections|copyreg|_codecs|datetime|decimal|functools)\./;
const readers = /\.(ColumnTransformer|FunctionTransformer)$/;

/**
 * The libraries of a saved estimator, with pandas where the server's loader will hand it a data
 * frame: the estimator knows its features by name and holds a step that may read names, or foreign code.
 * @param globals what the file names, as `sklearn.compose._column_transformer.ColumnTransformer`
 */
export function withFrame<
  T extends { featureNames: string[] | null; libraries: Record<string, string | null> },
>(facts: T, globals: Iterable<string>): T {
  if (facts.featureNames === null) return facts;
  const readsNames = [...globals].some((name) => readers.test(name) || !plain.test(name));
  return readsNames ? { ...facts, libraries: { pandas: null, ...facts.libraries } } : facts;
}
