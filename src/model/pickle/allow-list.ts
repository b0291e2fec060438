// What a pickle may reach, told per framework: its names, its calls and the ids that its loader resolves.
import { permissionOf } from "./allowed.ts";
import { estimatorCall, Refused, type Call } from "./calls.ts";
import type { Permission, Value } from "./values.ts";

/** Which unpickler will read the stream: joblib's finds array bytes after some objects, Python's does not. */
export type Dialect = "joblib" | "python";

/** The pickles of one framework: everything that is not in here is refused. */
export interface AllowList {
  readonly dialect: Dialect;
  /** What the pickle may do with a global; null when it is not allowed at all. */
  permissionOf(module: string, name: string): Permission | null;
  /** The rule of a global that is permitted as `function`; a function without one is refused. */
  callOf(name: string): Call | undefined;
  /** What the loader gives for a persistent id, or why such an id is refused. */
  persistent(id: Value): Value | Refused;
}

/** A list whose loader knows no persistent ids. */
export const noPersistentIds = (): Refused =>
  new Refused("it asks the loader for an object by a persistent id");

/** Estimators of scikit-learn, with the numpy, scipy and Python data that they hold. */
export const estimators: AllowList = {
  dialect: "joblib",
  permissionOf,
  callOf: estimatorCall,
  persistent: noPersistentIds,
};
