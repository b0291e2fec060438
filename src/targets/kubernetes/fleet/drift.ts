// What somebody changed by hand in an object that mlship made: a pure comparison with what it was made from.
import { quantityOf } from "../../../cluster/quantity.ts";
import type { JsonValue } from "../../../config/kubernetes-keys.ts";

/**
 * Paths at which a live value lacks what was wanted. What the API server or others added counts as
 * no difference, nor does a quantity in another spelling. Lists of named things are compared by name.
 * @param wanted what mlship wrote
 * @param live what the API server has
 */
export function driftOf(wanted: unknown, live: unknown, path = ""): string[] {
  if (wanted === undefined || wanted === null) return [];
  if (Array.isArray(wanted)) return driftOfList(wanted, live, path);
  if (typeof wanted === "object") {
    const has = isRecord(live) ? live : {};
    return Object.entries(wanted).flatMap(([key, value]) =>
      driftOf(value, has[key], path === "" ? key : `${path}.${key}`),
    );
  }
  if (wanted === live || isEmpty(wanted, live)) return [];
  return sameQuantity(wanted, live) ? [] : [path];
}

function driftOfList(wanted: readonly unknown[], live: unknown, path: string): string[] {
  const has: unknown[] = Array.isArray(live) ? live : [];
  return wanted.flatMap((item, index) => {
    const name = isRecord(item) ? item["name"] : undefined;
    const other =
      name === undefined ? has[index] : has.find((each) => isRecord(each) && each["name"] === name);
    const at = typeof name === "string" ? `${path}[${name}]` : `${path}[${index}]`;
    return driftOf(item, other, at);
  });
}

/** The API server leaves out what says nothing. */
function isEmpty(wanted: unknown, live: unknown): boolean {
  return live === undefined && (wanted === "" || wanted === false || wanted === 0);
}

/** A quantity as people write it: `1e3` in an argument is a text. */
const plain = /^\d+(?:\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/;

/** `1000m` is `1`: the API server writes quantities its own way. */
function sameQuantity(a: unknown, b: unknown): boolean {
  const [left, right] = [quantity(a), quantity(b)];
  return left !== null && right !== null && Math.abs(left - right) < 1e-6;
}

function quantity(value: unknown): number | null {
  const text = String(value);
  return plain.test(text) ? quantityOf(text) : null;
}

function isRecord(value: unknown): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
