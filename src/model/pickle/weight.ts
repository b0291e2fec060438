// What going through a value costs, so that values which are shared and gone through again and again end in time.
import type { Opcode } from "./opcodes.ts";
import { PyBytes, PyDict, PyList, PySet, PyTuple, type Value } from "./values.ts";

/** Characters that are copied in the time of one step. */
const textPerStep = 64;

/** Copying an entry of a dict takes that much longer than copying an item. */
const stepsPerEntry = 4;

/** Steps that looking at the values, and at what lies directly inside them, takes at most. */
export function weightOf(values: readonly Value[]): number {
  let weight = 0;
  for (const value of values) {
    weight += sizeOf(value);
    if (value instanceof PyTuple) for (const item of value.items) weight += sizeOf(item);
  }
  return weight;
}

function sizeOf(value: Value): number {
  if (typeof value === "string") return Math.floor(value.length / textPerStep);
  if (value === null || typeof value !== "object" || value instanceof PyBytes) return 0;
  if (value instanceof PyTuple || value instanceof PyList || value instanceof PySet)
    return value.items.length;
  return value instanceof PyDict ? value.entries.size * stepsPerEntry : 0;
}

/** Opcodes that make a container or an object, which takes far more memory than a number. */
const makers: ReadonlySet<Opcode> = new Set<Opcode>([
  "EMPTY_DICT",
  "DICT",
  "EMPTY_LIST",
  "LIST",
  "EMPTY_SET",
  "FROZENSET",
  "TUPLE",
  "NEWOBJ",
  "NEWOBJ_EX",
  "REDUCE",
  "OBJ",
  "INST",
]);

/** Steps that an instruction takes by itself. */
export function costOf(op: Opcode): number {
  return makers.has(op) ? 8 : 1;
}
