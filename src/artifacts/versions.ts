// The versions of a model: a name for each release, given once and never changed.
import { z } from "zod";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { corrupt, encode, readDocument } from "./document.ts";
import { versionKey, versionsPrefix } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";
import { digestSchema, labelSchema, versionSchema } from "./release.ts";
import type { Release } from "./release.ts";
import { compareVersions, isVersion } from "./semver.ts";

/** Schema of `mlship.version/v1`: which release a version stands for. */
export const versionDocumentSchema = z.strictObject({
  schema: z.literal("mlship.version/v1"),
  name: labelSchema,
  version: versionSchema,
  release: digestSchema,
  volatile: z.strictObject({ at: z.iso.datetime(), actor: z.string() }),
});

/**
 * Whether a release can still get its version; false when it has it.
 * @throws MlshipError `version.exists`, exit 2, when the version stands for another release.
 */
export async function requireFree(store: ObjectStore, release: Release): Promise<boolean> {
  const { name, version, digest } = release;
  const taken = await releaseOf(store, name, version);
  if (taken === null || taken === digest) return taken === null;
  throw versionTaken(name, version, `it stands for release ${taken}, and this one would be ${digest}`);
}

/** The error for a version that stands for something else. */
export function versionTaken(name: string, version: string, why: string): MlshipError {
  return new MlshipError({
    code: "version.exists",
    what: `${name} ${version} is already released with other content`,
    why,
    fix: "raise version in mlship.yaml, or let --bump auto do it: a released version is never changed",
    exit: "usage",
  });
}

/**
 * Gives a stored release its version. True when this call did it, false when it was done before.
 * @throws MlshipError `version.exists`, exit 2, when the version stands for another release.
 */
export async function nameRelease(store: ObjectStore, release: Release): Promise<boolean> {
  const { name, version, digest } = release;
  const { at, actor } = release.volatile;
  const document = { schema: "mlship.version/v1", name, version, release: digest, volatile: { at, actor } };
  const outcome = await store.create(versionKey(name, version), encode(document));
  return outcome === "created" || (await requireFree(store, release));
}

/** The digest of the release that a version stands for, or null. */
export async function releaseOf(store: ObjectStore, name: string, version: string): Promise<Digest | null> {
  if (!isVersion(version)) return null;
  const key = versionKey(name, version);
  const document = await readDocument(store, key, versionDocumentSchema);
  if (document === null) return null;
  if (document.name !== name || document.version !== version) {
    throw corrupt(store, key, `it is the document of ${document.name} ${document.version}`);
  }
  return document.release;
}

/** The released versions of a model, oldest first in the order of semantic versions. */
export async function listVersions(store: ObjectStore, name: string): Promise<string[]> {
  const prefix = versionsPrefix(name);
  const versions: string[] = [];
  for await (const key of store.list(prefix)) {
    const version = key.slice(prefix.length).replace(/\.json$/, "");
    if (isVersion(version)) versions.push(version);
  }
  return versions.sort(compareVersions);
}
