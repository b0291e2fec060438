// Strategic merge patches: Kubernetes' own kind of patch, which merges lists by key.
import type { JsonValue } from "../../config/kubernetes-keys.ts";
import type { JsonObject } from "../manifest.ts";
import { ordered } from "./merge-order.ts";
import { plain, type Shape } from "./merge-shapes.ts";
import { PatchFault } from "./patch-fault.ts";

/**
 * Merges a patch into a map, as the API server and `kubectl patch` do: null removes a member,
 * `$patch: replace`, `$patch: delete` and `$retainKeys` act on a map, lists are merged by the key
 * that their shape names. Unlike there, removing what is not there is a fault: nothing that a patch
 * says may be lost.
 * @param at path of the map, for faults: `spec.template`; empty for the whole object.
 * @throws PatchFault that names the place.
 */
export function mergeMap(original: JsonObject, patch: JsonObject, shape: Shape, at: string): JsonObject {
  const { $patch, $retainKeys, ...members } = patch;
  for (const name of Object.keys(members)) {
    if (name.startsWith("$")) throw new PatchFault(`${name} in ${placeOf(at)} is not supported`);
  }
  const kept = retained(directed($patch, original, at), $retainKeys, members, at);
  const merged = new Map(Object.entries(kept));
  for (const [name, wanted] of Object.entries(members)) {
    const place = at === "" ? name : `${at}.${name}`;
    if (wanted !== null) {
      merged.set(name, mergeValue(merged.get(name), wanted, fieldOf(shape, name), place));
    } else if (!merged.delete(name)) {
      throw new PatchFault(`there is no ${place} to remove`);
    }
  }
  return Object.fromEntries(merged);
}

/** What is left of a map by its `$patch` directive. */
function directed(directive: JsonValue | undefined, original: JsonObject, at: string): JsonObject {
  if (directive === undefined || directive === "merge") return original;
  if (directive === "replace") return {};
  if (directive !== "delete") {
    throw new PatchFault(`$patch in ${placeOf(at)} must be merge, replace or delete`);
  }
  if (Object.keys(original).length === 0) throw new PatchFault(`there is no ${placeOf(at)} to remove`);
  return {};
}

/** What is left of a map by its `$retainKeys` directive. */
function retained(
  original: JsonObject,
  keys: JsonValue | undefined,
  members: JsonObject,
  at: string,
): JsonObject {
  if (keys === undefined) return original;
  const names = Array.isArray(keys) ? keys : [keys];
  const other = Object.keys(members).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw new PatchFault(`$retainKeys in ${placeOf(at)} leaves out ${other}, which the patch sets`);
  }
  return Object.fromEntries(Object.entries(original).filter(([name]) => names.includes(name)));
}

function mergeValue(present: JsonValue | undefined, wanted: JsonValue, shape: Shape, at: string): JsonValue {
  if (Array.isArray(wanted)) return mergeList(Array.isArray(present) ? present : [], wanted, shape, at);
  if (!isMap(wanted)) return wanted;
  return mergeMap(isMap(present) && shape.replaced === undefined ? present : {}, wanted, shape, at);
}

function mergeList(original: JsonValue[], patch: JsonValue[], shape: Shape, at: string): JsonValue[] {
  const replaces = patch.some((element) => isMap(element) && element["$patch"] === "replace");
  const wanted = patch.filter((element) => !(isMap(element) && element["$patch"] === "replace"));
  if (shape.union === true && !replaces) {
    const present = new Set(original.map((value) => JSON.stringify(value)));
    return [...original, ...wanted.filter((value) => !present.has(JSON.stringify(value)))];
  }
  if (shape.key === undefined || replaces) {
    return wanted.map((element, index) =>
      mergeValue(undefined, element, elementOf(shape), `${at}[${index}]`),
    );
  }
  return mergeByKey(original, wanted, shape, shape.key, at);
}

function mergeByKey(
  original: JsonValue[],
  patch: JsonValue[],
  shape: Shape,
  key: string,
  at: string,
): JsonValue[] {
  const merged = new Map(original.map((element) => [keyOf(element, key, at), element]));
  const set: JsonValue[] = [];
  for (const element of patch) {
    const name = keyOf(element, key, at);
    const place = `${at}[${key}=${JSON.stringify(name)}]`;
    if (isMap(element) && element["$patch"] === "delete") {
      if (!merged.delete(name)) throw new PatchFault(`there is no ${place} to remove`);
      continue;
    }
    merged.set(name, mergeValue(merged.get(name), element, elementOf(shape), place));
    set.push(name);
  }
  const names = original.map((element) => keyOf(element, key, at));
  const present = ordered(names, set, new Set(merged.keys()));
  return present.flatMap((name) => merged.get(name) ?? []);
}

function keyOf(element: JsonValue, key: string, at: string): JsonValue {
  const name = isMap(element) ? element[key] : undefined;
  if (name === undefined || name === null) {
    throw new PatchFault(`every element of ${at} needs ${key}, by which they are merged`);
  }
  return name;
}

/** A member that an object inherits, such as `constructor`, is no field. */
function fieldOf({ fields }: Shape, name: string): Shape {
  return fields !== undefined && Object.hasOwn(fields, name) ? (fields[name] ?? plain) : plain;
}

function elementOf({ fields }: Shape): Shape {
  return fields === undefined ? plain : { fields };
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function placeOf(at: string): string {
  return at === "" ? "the object" : at;
}
