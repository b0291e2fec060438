// Which version a model is released as: proposed from what changed since the newest release.
import { canonicalJson, type Digest } from "../digest.ts";
import type { Bundle } from "../model/bundle.ts";
import { signatureChanges } from "../model/signature-change.ts";
import { levelFor } from "./meaning.ts";
import type { Release } from "./release.ts";
import { compareVersions, isPrerelease, levels, raise, type BumpWish, type Level } from "./semver.ts";

/** What would be released: its bundle, whatever version that names, and the environment that it was judged in. */
export interface Candidate {
  bundle: Bundle;
  /** Digest of the Python lock. */
  environment: Digest;
}

/** One difference to the newest release, and what it asks of the version. */
export interface Difference {
  weight: Level;
  /** A sentence without a full stop. */
  what: string;
}

/** A version, and how it came about. */
export interface Proposal {
  /**
   * first: nothing is released yet. same: the newest release is this very model. kept: mlship.yaml
   * names a version that fits already. raised: the newest release with a number raised.
   */
  kind: "first" | "same" | "kept" | "raised";
  version: string;
  /** The newest release; null when there is none. */
  newest: string | null;
  /** What differs from the newest release, the weightiest first. */
  why: Difference[];
}

/** The newest of the released versions that is no pre-release; null when there is none. */
export function newestOf(released: readonly string[]): string | null {
  return released.findLast((version) => !isPrerelease(version)) ?? null;
}

/**
 * Every difference between a release and what would follow it. A signature that breaks callers weighs
 * `major`; one that takes more, and other files of the model, weigh `minor`, since answers change;
 * another environment or another way of loading the same files weighs `patch`.
 */
export function differences({ bundle: before, python }: Release, candidate: Candidate): Difference[] {
  const { bundle, environment } = candidate;
  const signature = signatureChanges(before, bundle).map(({ kind, what }) => ({
    weight: kind === "break" ? ("major" as const) : ("minor" as const),
    what,
  }));
  const found: Difference[] = [...signature];
  if (before.digest !== bundle.digest) found.push({ weight: "minor", what: "the model's files differ" });
  const isLoaded = canonicalJson(loadingOf(before)) === canonicalJson(loadingOf(bundle));
  if (found.length === 0 && !isLoaded)
    found.push({ weight: "patch", what: "the same files are loaded in another way" });
  if (python.digest !== environment)
    found.push({ weight: "patch", what: "the environment's packages or mlship's server differ" });
  return found.toSorted((a, b) => levels.indexOf(a.weight) - levels.indexOf(b.weight));
}

/** A bundle without the version that it names. */
function loadingOf({ version: _version, ...rest }: Bundle): object {
  return rest;
}

/**
 * Proposes a version. The numbers of the newest release are raised, not those of mlship.yaml: so a
 * command that is run again, or by a CI system that commits nothing, does not raise twice.
 * @param current what mlship.yaml names
 * @param newest the newest release that is no pre-release
 * @param released all released versions
 * @param fits whether `current` says what changed
 */
export function proposeVersion(
  wish: BumpWish,
  { current, newest, released, fits }: Standing,
  candidate: Candidate,
): Proposal {
  if (newest === null) return { kind: "first", version: current, newest: null, why: [] };
  const why = differences(newest, candidate);
  const told = { newest: newest.version, why };
  const [first] = why;
  if (first === undefined) return { kind: "same", version: newest.version, ...told };
  const isAhead = !released.includes(current) && compareVersions(current, newest.version) > 0;
  if (wish === "auto" && isAhead && fits) return { kind: "kept", version: current, ...told };
  const level = wish === "auto" ? levelFor(first.weight, newest.version) : wish;
  return { kind: "raised", version: raise(newest.version, level), ...told };
}

/** Where a proposal starts from. */
export interface Standing {
  current: string;
  newest: Release | null;
  released: readonly string[];
  fits: boolean;
}
