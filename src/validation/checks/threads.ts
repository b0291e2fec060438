// Which models may answer otherwise on two threads.
import type { ModelFormat } from "../../model/model.ts";

/**
 * Formats whose loader leaves the number of threads to the environment: NumPy's and scikit-learn's own, or
 * whatever a person's code starts. The loaders of all others ask their library for one thread (see
 * `templates/server/mlship_server/loaders`), here and where they serve.
 */
const followsEnvironment: ReadonlySet<ModelFormat> = new Set(["sklearn", "skops", "python"]);

/** @param handler the model's handler, or null. */
export function mayThread(format: ModelFormat, handler: string | null): boolean {
  return handler !== null || followsEnvironment.has(format);
}
