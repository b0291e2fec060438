// mlship.lock as text: deterministic, read strictly, and as requirements with hashes for installers.
import type { Platform } from "../../config/image-keys.ts";
import { digestDocument } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { lockFile, lockSchema, type Lock, type Pin, type ReadLock } from "./lock.ts";

/** The lock as mlship.lock holds it: equal locks give equal bytes, and one hash has a line of its own. */
export function formatLock(lock: Lock): string {
  // Parsing brings the members into the schema's order, whatever made the lock.
  return `${JSON.stringify(lockSchema.parse(lock), inOrder, 2)}\n`;
}

/** What is kept by platform has no order in the schema. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  const byPlatform = entries.every(([key]) => key.includes("/"));
  return byPlatform ? Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))) : value;
}

/**
 * Reads the text of mlship.lock.
 * @throws MlshipError `lock.merge-conflict`, `lock.newer-schema` or `lock.damaged`; exit 2.
 */
export function parseLock(text: string): ReadLock {
  const marker = text.split("\n").findIndex((line) => /^(<{7}|={7}|>{7}|\|{7})( |\r?$)/.test(line));
  if (marker >= 0) {
    throw new MlshipError({
      code: "lock.merge-conflict",
      what: `${lockFile} holds a merge conflict that nobody has resolved`,
      fix: `take either side whole (git checkout --theirs ${lockFile}), then run mlship lock`,
      exit: "usage",
      at: { file: lockFile, line: marker + 1 },
    });
  }
  const value = parseJson(text);
  const schema = schemaOf(value);
  if (schema !== "mlship.lock/v1" && /^mlship\.lock\/v\d+$/.test(schema)) {
    throw new MlshipError({
      code: "lock.newer-schema",
      what: `${lockFile} was written by a newer mlship`,
      why: `it is ${schema}, and this mlship reads mlship.lock/v1`,
      fix: "install the version of mlship that the others of the project use",
      exit: "usage",
    });
  }
  const { data: lock, error } = lockSchema.safeParse(value);
  if (error) {
    const [issue] = error.issues;
    throw damaged(
      issue ? `${issue.path.join(".") || "the document"}: ${issue.message}` : "it has another shape",
    );
  }
  for (const platform of lock.inputs.platforms) {
    if (!lock.packages[platform] || !lock.base.platforms[platform])
      throw damaged(`it has no pins for ${platform}`);
  }
  for (const [platform, pins = []] of Object.entries(lock.packages)) {
    const names = pins.map(({ name }) => name);
    if (new Set(names).size < names.length) throw damaged(`a distribution is there twice for ${platform}`);
  }
  return withDigest(lock);
}

/** A lock with the digest by which reports, plans and labels name it. */
export function withDigest(lock: Lock): ReadLock {
  return { lock, digest: digestDocument(lock) };
}

/**
 * The distributions of one platform in the syntax of requirements.txt, as `pip install
 * --require-hashes` reads it. Where some may be built from source, options at the top say so.
 */
export function requirementsText(lock: Lock, platform: Platform): string {
  return pinsText(lock.packages[platform] ?? []);
}

/** Pins in the syntax of requirements.txt. */
export function pinsText(pins: readonly Pin[]): string {
  const options = pins.filter(({ source }) => source).map(({ name }) => `--no-binary ${name}\n`);
  const lines = pins.map(({ name, version, sha256 }) => {
    const hashes = sha256.map((hash) => ` \\\n    --hash=sha256:${hash}`);
    return `${name}==${version}${hashes.join("")}\n`;
  });
  return [...options, ...lines].join("");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(error.message);
    throw error;
  }
}

function schemaOf(value: unknown): string {
  return typeof value === "object" && value !== null && "schema" in value ? String(value.schema) : "";
}

function damaged(why: string): MlshipError {
  return new MlshipError({
    code: "lock.damaged",
    what: `${lockFile} cannot be read as a lock`,
    why,
    fix: `take it from git again (git checkout ${lockFile}), or make it anew: mlship lock --upgrade`,
    exit: "usage",
    at: { file: lockFile },
  });
}
