// What may be put into lists, dicts and sets, and why not otherwise.
import {
  describe,
  Global,
  Instance,
  Opaque,
  PyBytes,
  PyDict,
  PyList,
  PySet,
  PyTuple,
  type Value,
} from "./values.ts";

/** Appends to a list; says why that is refused, or null. */
export function append(target: Value, items: readonly Value[]): string | null {
  if (!(target instanceof PyList)) return noContainer(target);
  for (const item of items) target.items.push(item);
  return null;
}

/** Adds to a set; says why that is refused, or null. */
export function addItems(target: Value, items: readonly Value[]): string | null {
  if (!(target instanceof PySet)) return noContainer(target);
  for (const item of items) target.items.push(item);
  return firstRefused(items);
}

/** Puts keys and values, in turn, into a dict; says why that is refused, or null. */
export function setItems(target: Value, items: readonly Value[]): string | null {
  if (items.length % 2 !== 0) return "a dict has a key without a value";
  if (!(target instanceof PyDict)) return noContainer(target);
  const keys: Value[] = [];
  for (let at = 0; at < items.length; at += 2) {
    const key = items[at] ?? null;
    keys.push(key);
    target.entries.set(key, items[at + 1] ?? null);
  }
  return firstRefused(keys);
}

/** Objects may run code of their own when items arrive, which only the user can allow. */
function noContainer(target: Value): string | null {
  if (target instanceof Opaque && target.reported) return null;
  if (target instanceof Instance && target.trusted) return null;
  return `items are put into ${describe(target)}`;
}

function firstRefused(keys: readonly Value[]): string | null {
  const refused = keys.find((key) => !isKey(key, 0, { left: largestKey }));
  return refused === undefined ? null : `${describe(refused)} is used as a key`;
}

/** Values that a key may consist of, and tuples inside each other. */
const largestKey = 32;
const deepestKey = 3;

/** Hashing a key runs its class's code, and takes for ever on tuples that share tuples. */
function isKey(key: Value, depth: number, budget: { left: number }): boolean {
  budget.left -= 1;
  if (budget.left < 0) return false;
  if (key instanceof PyTuple) {
    return depth < deepestKey && key.items.every((item) => isKey(item, depth + 1, budget));
  }
  return (
    key === null ||
    typeof key !== "object" ||
    key instanceof Opaque ||
    key instanceof Global ||
    key instanceof PyBytes
  );
}
