// The folder of a SavedModel: the graph, and beside it variables and assets that are no models of their own.
import { posix } from "node:path";
import type { ModelFile } from "../model.ts";

/** The file by which TensorFlow knows the folder. */
export const graphFile = "saved_model.pb";

/** The files without the variables and assets of SavedModels, whatever bytes those begin with. */
export function withoutVariables(files: readonly ModelFile[]): ModelFile[] {
  const roots = files.map(({ path }) => path).filter((path) => posix.basename(path) === graphFile);
  const own = roots.flatMap((root) =>
    ["variables", "assets", "assets.extra"].map((name) => `${posix.join(posix.dirname(root), name)}/`),
  );
  return files.filter(({ path }) => !own.some((folder) => path.startsWith(folder)));
}
