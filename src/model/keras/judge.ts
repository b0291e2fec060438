// Goes through the configuration of a Keras model and judges every class and function that it names.
import { quote } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import { classes, functions, operations } from "./names.ts";

/** Tells of something that a model should not name. */
export type Report = (rule: string, message: string, global: string | null) => void;

const mostNodes = 5_000_000;
/** Marks of Keras for values that are no objects. `__lambda__` and `__typespec__` are missing on purpose. */
const values = new Set([
  "__keras_tensor__",
  "__tensor__",
  "__numpy__",
  "__bytes__",
  "__ellipsis__",
  "__slice__",
]);
/** Layers that carry code or other models along: no trust makes them safe to load. */
const carriers = new Map([
  ["Lambda", "which carries Python code"],
  ["__lambda__", "which carries Python code"],
  ["TFSMLayer", "which loads another model from the disk"],
  ["TorchModuleWrapper", "which carries a pickle"],
  ["JaxLayer", "which carries a function"],
  ["FlaxLayer", "which carries a function"],
]);

/** A JSON object. */
export type Json = Record<string, unknown>;

/** The value as an object, or null. */
export function objectOf(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/**
 * Judges all objects below `config`, also those that loading would not reach.
 * @param trust names that the user allows: `package>Class`, or a name with its module.
 * @param globals told of every name.
 */
export function judgeConfig(
  config: unknown,
  trust: ReadonlySet<string>,
  globals: Map<string, number>,
  report: Report,
): void {
  const open: unknown[] = [config];
  const reported = new Set<string>();
  let count = 0;
  const tell: Report = (rule, message, global) => {
    if (reported.size < 200 && !reported.has(message)) report(rule, message, global);
    reported.add(message);
  };
  while (open.length > 0) {
    const value = open.pop();
    count += 1;
    if (count > mostNodes) throw new Unreadable(0, `its configuration has more than ${mostNodes} values`);
    if (typeof value !== "object" || value === null) continue;
    for (const member of Array.isArray(value) ? value : Object.values(value)) open.push(member);
    const node = objectOf(value);
    if (node !== null && ("class_name" in node || "registered_name" in node)) judgeNode(node);
  }

  function judgeNode(node: Json): void {
    const { class_name: name, module = null, config: inner } = node;
    if (typeof name !== "string" || (module !== null && typeof module !== "string")) {
      tell("unknown-global", "it names a class in a way that Keras does not write", null);
      return;
    }
    if (values.has(name)) return;
    const called = name === "function" ? inner : name;
    const qualified = `${module ?? "keras"}.${typeof called === "string" ? called : "?"}`;
    const shown = /^[\w.>]{1,300}$/.test(qualified) ? qualified : quote(qualified);
    globals.set(shown, (globals.get(shown) ?? 0) + 1);
    const carrier = carriers.get(name);
    if (carrier !== undefined) tell("code", `it holds a ${name}, ${carrier}`, shown);
    else if (trust.has(shown)) return;
    else if (!isKnown(name, module, called)) tell("unknown-global", `it makes ${shown}`, shown);
    else judgeRegistered(node, name, shown);
    judgeFiles(node, name);
  }

  /** A registered name comes before module and class, so it must be no other name. */
  function judgeRegistered({ registered_name: registered = null }: Json, name: string, shown: string): void {
    if (registered === null || registered === name || registered === "function") return;
    const custom = typeof registered === "string" ? registered : "?";
    const given = /^[\w.>]{1,300}$/.test(custom) ? custom : quote(custom);
    if (!trust.has(given)) tell("unknown-global", `it makes ${given} in place of ${shown}`, given);
  }

  /** Vocabularies may be the path of a file, which loading would read. */
  function judgeFiles({ config: inner }: Json, name: string): void {
    const settings = objectOf(inner);
    for (const key of settings === null ? [] : ["vocabulary", "idf_weights"]) {
      const path = settings?.[key];
      if (typeof path === "string")
        tell("external-data", `its layer ${name} reads its ${key} from the file ${quote(path)}`, null);
    }
  }
}

/** Whether Keras itself has it, as something that only computes. */
function isKnown(name: string, module: string | null, called: unknown): boolean {
  if (name === "function") {
    const own = module === null || module === "builtins" || isKeras(module);
    return own && typeof called === "string" && functions.has(called);
  }
  // HDF5 files name no modules: a class is then looked for among those of Keras.
  if (module === null || module === "builtins") return classes.has(name);
  if (/^keras\.src\.ops(\.[a-z_]+)?$/.test(module)) return operations.has(name);
  return isKeras(module) && classes.has(name);
}

function isKeras(module: string): boolean {
  return /^keras(\.[a-z_][a-z_0-9]*)*$/.test(module);
}
