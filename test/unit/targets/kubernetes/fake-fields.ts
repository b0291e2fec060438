// Fields of objects, as server-side apply and merge patches see them.
import type { KubeObject } from "../../../../src/targets/kubernetes/ports.ts";

/** Path → value as JSON of every field that is not an object. Lists are one field; so is an empty object. */
export function leavesOf(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Map(value === undefined ? [] : [[path, JSON.stringify(value)]]);
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return new Map([[path, "{}"]]);
  return new Map(entries.flatMap(([name, child]) => [...leavesOf(child, `${path}/${escape(name)}`)]));
}

interface Before {
  object: KubeObject;
  owners: Map<string, Set<string>>;
}

/** What comes of applying: fields that this manager alone had and does not name any more go. */
export function changeFields(before: Before, applied: KubeObject, manager: string) {
  const wanted = leavesOf(applied);
  for (const path of wanted.keys())
    if (/^\/(kind|apiVersion|metadata\/(name|namespace|uid|resourceVersion))$/.test(path))
      wanted.delete(path);
  const had = leavesOf(before.object);
  const owners = new Map([...before.owners].map(([name, fields]) => [name, new Set(fields)]));
  let conflict: { field: string; manager: string } | null = null;
  for (const [path, value] of wanted) {
    for (const [other, fields] of owners) {
      if (other === manager || !fields.has(path) || had.get(path) === value) continue;
      conflict ??= { field: path, manager: other };
      fields.delete(path);
    }
  }
  const merged = structuredClone(before.object) as unknown as Record<string, unknown>;
  const mine = owners.get(manager) ?? new Set<string>();
  for (const path of mine) {
    const isOthers = [...owners].some(([other, fields]) => other !== manager && fields.has(path));
    const isServers =
      /^\/(kind|apiVersion|status|metadata\/(name|namespace|uid|resourceVersion|generation|creationTimestamp))/.test(
        path,
      );
    if (!wanted.has(path) && !isOthers && !isServers) put(merged, path, undefined);
  }
  for (const [path, value] of wanted) put(merged, path, JSON.parse(value));
  owners.set(manager, new Set(wanted.keys()));
  return { merged: merged as unknown as KubeObject, owners, conflict };
}

/** JSON merge patch (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

function put(target: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.slice(1).split("/").map(unescape);
  let at = target;
  for (const name of names.slice(0, -1)) {
    const child = at[name];
    if (typeof child !== "object" || child === null || Array.isArray(child)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  const last = names.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
}

const escape = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1");
const unescape = (name: string) => name.replaceAll("~1", "/").replaceAll("~0", "~");
