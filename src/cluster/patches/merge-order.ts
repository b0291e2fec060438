// The order of a merged list: the patch's elements in the patch's order, between those that were there.
import type { JsonValue } from "../../config/kubernetes-keys.ts";

/**
 * The order that Kubernetes gives a list that was merged by key. Elements of the patch keep the
 * patch's order, the others their own; an element that was there before goes in front of the first
 * element of the patch that was there after it. So what is new comes first.
 * @param original keys in the order that they had
 * @param patch keys that the patch sets, in its order
 * @param present keys that are left
 */
export function ordered(
  original: readonly JsonValue[],
  patch: readonly JsonValue[],
  present: ReadonlySet<JsonValue>,
): JsonValue[] {
  const set = [...new Set(patch)].filter((name) => present.has(name));
  const rest = original.filter((name) => present.has(name) && !set.includes(name));
  const merged: JsonValue[] = [];
  for (const name of set) {
    const place = original.indexOf(name);
    const after = rest.findIndex((other) => original.indexOf(other) > place);
    if (place >= 0) merged.push(...rest.splice(0, after < 0 ? rest.length : after));
    merged.push(name);
  }
  return [...merged, ...rest];
}
