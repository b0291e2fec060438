// `deploy.patches`: what mlship.yaml changes about the objects that it has no key for.
import type { Config } from "../../config/config.ts";
import { MlshipError } from "../../errors.ts";
import { applyJsonPatch } from "./json-patch.ts";
import type { JsonObject, KubernetesObject, Manifest } from "../manifest.ts";
import { shapeOf } from "./merge-shapes.ts";
import { PatchFault } from "./patch-fault.ts";
import { mergeMap } from "./strategic-merge.ts";

type Patch = Config["deploy"]["patches"][number];

/**
 * Applies the patches in their order. A merge patch with `$patch: delete` at its top takes the
 * whole object away.
 * @throws MlshipError exit 2, naming the patch: `deploy.patch-unmatched` when there is no such
 *   object, `deploy.patch-empty` when it changes nothing, `deploy.patch-invalid` when it names a
 *   place that is not there or breaks the object.
 */
export function applyPatches<Kept extends Manifest>(
  manifests: readonly Kept[],
  patches: readonly Patch[],
): Kept[] {
  let patched = [...manifests];
  for (const [index, patch] of patches.entries()) {
    const path = `deploy.patches[${index}]`;
    if (patch.merge === undefined && patch.json === undefined) throw empty(path);
    const isMeant = ({ object, patchedByName }: Manifest) =>
      object.kind === patch.kind &&
      (patch.name === undefined ? patchedByName !== true : object.metadata.name === patch.name);
    if (!patched.some(isMeant)) throw unmatched(path, patch, patched);
    patched = patched.flatMap((manifest) => (isMeant(manifest) ? apply(manifest, patch, path) : [manifest]));
  }
  return patched;
}

function apply<Kept extends Manifest>(manifest: Kept, patch: Patch, path: string): Kept[] {
  const { object } = manifest;
  try {
    if (isRemoval(patch)) return [];
    const merged = patch.merge === undefined ? object : merge(object, patch.merge);
    const changed = patch.json === undefined ? merged : applyJsonPatch(merged, patch.json);
    const about = [...manifest.about, `Changed by ${path} of mlship.yaml.`];
    return [{ ...manifest, about, object: sameObject(changed, object) }];
  } catch (cause) {
    if (!(cause instanceof PatchFault)) throw cause;
    throw new MlshipError({
      code: "deploy.patch-invalid",
      what: `${path} cannot be applied to the ${object.kind} ${object.metadata.name}: ${cause.message}`,
      fix: `correct ${path} in mlship.yaml; mlship generate shows the object without it`,
      exit: "usage",
      cause,
    });
  }
}

function isRemoval({ merge: wanted, json }: Patch): boolean {
  if (!isObject(wanted) || wanted["$patch"] !== "delete") return false;
  if (Object.keys(wanted).length > 1 || json !== undefined) {
    throw new PatchFault("$patch: delete takes the whole object away, so nothing can be set beside it");
  }
  return true;
}

function merge(object: KubernetesObject, patch: unknown): JsonObject {
  if (!isObject(patch)) throw new PatchFault("merge must be a map");
  return mergeMap(object, patch, shapeOf(object.kind), "");
}

/** Other objects name this one: what it is called and what it is cannot be changed. */
function sameObject(changed: JsonObject, before: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata } = changed;
  const isSame =
    apiVersion === before.apiVersion &&
    kind === before.kind &&
    isObject(metadata) &&
    metadata["name"] === before.metadata.name &&
    metadata["namespace"] === before.metadata.namespace;
  if (!isSame) throw new PatchFault("a patch cannot change apiVersion, kind, name or namespace");
  const { name, namespace } = before.metadata;
  return {
    ...changed,
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: { ...metadata, name, namespace },
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function empty(path: string): MlshipError {
  return new MlshipError({
    code: "deploy.patch-empty",
    what: `${path} changes nothing: it has neither merge nor json`,
    fix: `write the change below merge or json, or remove ${path} from mlship.yaml`,
    exit: "usage",
  });
}

function unmatched(path: string, { kind, name }: Patch, manifests: readonly Manifest[]): MlshipError {
  const there = manifests.map(({ object }) => `${object.kind} ${object.metadata.name}`);
  return new MlshipError({
    code: "deploy.patch-unmatched",
    what: `${path} changes no object: there is no ${JSON.stringify(kind)}${name === undefined ? "" : ` named ${JSON.stringify(name)}`}`,
    why: `there are ${there.join(", ")}`,
    fix: `set ${path}.kind to one of these, and leave name out where there is one of the kind`,
    exit: "usage",
  });
}
