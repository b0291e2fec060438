// What differs between two sets of Kubernetes objects, value by value.
import type { JsonValue } from "../config/kubernetes-keys.ts";
import type { JsonObject, Manifest } from "./manifest.ts";

/** One value that is another one. */
export interface ObjectChange {
  /** `Deployment`: each set has one of a kind, or several that names tell apart: `Service fraud-stable`. */
  object: string;
  /** `spec.template.spec.containers[server].resources.limits.memory`; empty for a whole object. */
  path: string;
  /** As JSON; null where there is none. A whole object is `{}`. */
  from: string | null;
  to: string | null;
}

/** Every value in which two sets of objects differ, in the order of the objects. Equal objects give none. */
export function objectChanges(before: readonly Manifest[], after: readonly Manifest[]): ObjectChange[] {
  const [was, is] = [byName(before), byName(after)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((object): ObjectChange[] => {
    const [old, now] = [was.get(object), is.get(object)];
    if (old === undefined) return [{ object, path: "", from: null, to: "{}" }];
    if (now === undefined) return [{ object, path: "", from: "{}", to: null }];
    const [values, others] = [valuesOf(old), valuesOf(now)];
    return [...new Set([...values.keys(), ...others.keys()])].flatMap((path) => {
      const [from = null, to = null] = [values.get(path), others.get(path)];
      return from === to ? [] : [{ object, path, from, to }];
    });
  });
}

function byName(manifests: readonly Manifest[]): Map<string, JsonObject> {
  const kinds = Map.groupBy(manifests, ({ object }) => object.kind);
  return new Map(
    manifests.map(({ object }) => {
      const isOnly = kinds.get(object.kind)?.length === 1;
      return [isOnly ? object.kind : `${object.kind} ${object.metadata.name}`, object];
    }),
  );
}

/** Path → value as JSON, for every value that holds no other, and for empty lists and mappings. */
function valuesOf(value: JsonValue, path = "", into = new Map<string, string>()): Map<string, string> {
  const inner = innerOf(value, path);
  if (inner.length === 0) into.set(path, JSON.stringify(value));
  for (const [at, member] of inner) valuesOf(member, at, into);
  return into;
}

function innerOf(value: JsonValue, path: string): [path: string, value: JsonValue][] {
  if (Array.isArray(value)) {
    // A container that moved in its list is the same container.
    const names = value.map((item) =>
      isObject(item) && typeof item["name"] === "string" ? item["name"] : null,
    );
    const isNamed = !names.includes(null) && new Set(names).size === names.length;
    return value.map((item, at) => [`${path}[${isNamed ? (names[at] ?? at) : at}]`, item]);
  }
  if (!isObject(value)) return [];
  return Object.entries(value).map(([key, member]) => [
    /^[\w-]+$/.test(key) ? `${path}${path && "."}${key}` : `${path}[${JSON.stringify(key)}]`,
    member,
  ]);
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
