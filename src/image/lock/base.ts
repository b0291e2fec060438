// Resolves the base image at its registry: one digest to build from, one manifest per platform.
import { z } from "zod";
import type { Platform } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { Lock } from "./lock.ts";
import type { Registry, StoredManifest } from "../ports.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);

/** As far as they are read; both the OCI's and Docker's media types. */
const indexSchema = z.object({
  manifests: z.array(
    z.object({
      digest,
      platform: z
        .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
        .optional(),
    }),
  ),
});
const manifestSchema = z.object({
  config: z.object({ digest }),
  layers: z.array(z.object({ size: z.int().nonnegative() })).min(1),
});
const configSchema = z.object({
  os: z.string(),
  architecture: z.string(),
  config: z.object({ Env: z.array(z.string()).nullish() }).optional(),
});

/**
 * Pins the base image.
 * @param name as mlship.yaml has it: `python:3.12-slim`
 * @param python the minor version that the distributions are locked for
 * @throws MlshipError `lock.base-missing`, `lock.base-platform`, `lock.base-python`,
 *   `lock.base-unreadable`, exit 2; `registry.*`, exit 5.
 */
export async function resolveBase(
  name: string,
  platforms: readonly Platform[],
  python: string,
  registry: Registry,
): Promise<Lock["base"]> {
  const reference = parseReference(name);
  const top = await registry.manifest(reference);
  if (top === null) throw missing(formatReference(reference), reference);
  const found = await manifestsOf(top, reference, registry);
  const resolved: Lock["base"]["platforms"] = {};
  for (const platform of platforms) {
    const manifest = found.get(platform);
    if (manifest === undefined) throw lacks(formatReference(reference), platform, [...found.keys()]);
    const stored = await manifest();
    const { config, layers } = read(stored, manifestSchema, reference);
    const image = readJson(await registry.blob(reference, config.digest), configSchema, reference);
    checkPython(formatReference(reference), image.config?.Env ?? [], python);
    resolved[platform] = { manifest: stored.digest, size: layers.reduce((sum, { size }) => sum + size, 0) };
  }
  return {
    reference: formatReference({ ...reference, digest: null }),
    digest: top.digest,
    platforms: resolved,
  };
}

/** The manifest of each platform of an index, or of the one platform that a single manifest is for. */
async function manifestsOf(
  top: StoredManifest,
  reference: Reference,
  registry: Registry,
): Promise<Map<string, () => Promise<StoredManifest>>> {
  if (!/index|manifest\.list/.test(top.mediaType)) {
    const { config } = read(top, manifestSchema, reference);
    const image = readJson(await registry.blob(reference, config.digest), configSchema, reference);
    return new Map([[`${image.os}/${image.architecture}`, () => Promise.resolve(top)]]);
  }
  const found = new Map<string, () => Promise<StoredManifest>>();
  for (const { digest: of, platform } of read(top, indexSchema, reference).manifests) {
    // Attestations stand in an index as images of an unknown platform.
    if (!platform || platform.os === "unknown") continue;
    const name = `${platform.os}/${platform.architecture}`;
    if (!found.has(name)) found.set(name, () => manifestBy(of, reference, registry));
  }
  return found;
}

async function manifestBy(of: Digest, reference: Reference, registry: Registry): Promise<StoredManifest> {
  const stored = await registry.manifest({ ...reference, tag: null, digest: of });
  if (stored === null) throw missing(formatReference({ ...reference, tag: null, digest: of }), reference);
  return stored;
}

/** Official images of Python say in their environment which version they hold. */
function checkPython(name: string, variables: readonly string[], python: string): void {
  const version = variables.map((line) => /^PYTHON_VERSION=(3\.\d+)/.exec(line)?.[1]).find(Boolean);
  if (version === undefined || version === python) return;
  throw new MlshipError({
    code: "lock.base-python",
    what: `the base ${name} holds Python ${version}, and the packages are for Python ${python}`,
    fix: `set python.version to "${version}" in mlship.yaml, or image.base to an image with Python ${python}`,
    exit: "usage",
  });
}

function missing(name: string, { registry }: Reference): MlshipError {
  return new MlshipError({
    code: "lock.base-missing",
    what: `there is no image ${name}`,
    why: `${registry} answered, and does not have it (any more)`,
    fix: "correct image.base in mlship.yaml, or choose a tag that is still there; then run mlship lock --upgrade base",
    exit: "usage",
  });
}

function lacks(name: string, platform: Platform, has: string[]): MlshipError {
  return new MlshipError({
    code: "lock.base-platform",
    what: `the base ${name} is not there for ${platform}`,
    why: `it is there for ${has.sort().join(", ") || "no platform at all"}`,
    fix: "take the platform out of image.platforms in mlship.yaml, or choose another image.base",
    exit: "usage",
  });
}

function read<T>({ bytes }: StoredManifest, schema: z.ZodType<T>, reference: Reference): T {
  return readJson(bytes, schema, reference);
}

function readJson<T>(bytes: Uint8Array, schema: z.ZodType<T>, reference: Reference): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (cause) {
    throw new MlshipError({
      code: "lock.base-unreadable",
      what: `the base ${formatReference(reference)} is no image that can be built on`,
      why: "its manifest or configuration is not that of an OCI or Docker image",
      fix: "set image.base to an image of Python",
      exit: "usage",
      cause,
    });
  }
}
