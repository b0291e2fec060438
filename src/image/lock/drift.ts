// Drift: what a lock was made from against what the project asks for now, in words.
import type { Config } from "../../config/config.ts";
import { platforms } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import type { Lock } from "./lock.ts";

/** What a lock follows from, as far as the project decides it. */
export interface Asked {
  model: Digest;
  /** Normalised lines, sorted; with `--hash` where the user gave hashes. */
  requirements: string[];
  /** `auto` or `3.12`. */
  python: string;
  /** Null for the image that belongs to the Python version. */
  base: string | null;
  platforms: Lock["inputs"]["platforms"];
  allowSource: string[];
}

/** What is asked for by a configuration, and by the model that it names. */
export function askedBy(
  { python, image }: Pick<Config, "python" | "image">,
  { model, requirements }: { model: { digest: Digest }; requirements: string[] },
): Asked {
  return {
    model: model.digest,
    requirements,
    python: python.version,
    base: image.base,
    platforms: platforms.filter((platform) => image.platforms.includes(platform)),
    allowSource: [...new Set(python.allowSource.map(normaliseName))].sort(),
  };
}

/** The inputs that a lock for this Python has. @param server digest of the server package */
export function inputsOf(asked: Asked, python: string, server: Digest): Lock["inputs"] {
  return { ...asked, base: asked.base ?? `python:${python}-slim`, server };
}

/** A distribution's name as PEP 503 normalises it. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

/** Everything in which the lock's inputs differ from these, one sentence each; empty when there is no drift. */
export function driftOf({ inputs: locked }: Lock, now: Lock["inputs"]): string[] {
  const drift: string[] = [];
  if (locked.model !== now.model)
    drift.push(`the model is another one: ${short(locked.model)} was locked, it is ${short(now.model)}`);
  drift.push(
    ...added(locked.requirements, now.requirements, (line) => `the requirement ${line} is new`),
    ...added(now.requirements, locked.requirements, (line) => `the requirement ${line} is gone`),
  );
  if (locked.python !== now.python)
    drift.push(`python.version is ${now.python}, ${locked.python} was locked`);
  if (locked.base !== now.base) drift.push(`the base is ${now.base}, ${locked.base} was locked`);
  drift.push(
    ...added(locked.platforms, now.platforms, (platform) => `the platform ${platform} is new`),
    ...added(now.platforms, locked.platforms, (platform) => `the platform ${platform} is gone`),
    ...added(locked.allowSource, now.allowSource, (name) => `python.allowSource names ${name}`),
    ...added(now.allowSource, locked.allowSource, (name) => `python.allowSource names ${name} no more`),
  );
  if (locked.server !== now.server) drift.push("mlship's server is another version");
  return drift;
}

/** Members of `now` that are not in `before`, told. */
function added(
  before: readonly string[],
  now: readonly string[],
  tell: (member: string) => string,
): string[] {
  const there = new Set(before);
  return now.filter((member) => !there.has(member)).map(tell);
}

/** Enough of a digest for a person to tell two apart. */
function short(digest: Digest): string {
  return digest.slice(0, "sha256:".length + 12);
}
