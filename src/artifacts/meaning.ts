// What a version promises: whether the number that a release asks for says how its signature changed.
import { MlshipError } from "../errors.ts";
import type { Bundle } from "../model/bundle.ts";
import { signatureChanges, type SignatureChange } from "../model/signature-change.ts";
import { fetchVersion } from "./fetch.ts";
import type { ObjectStore } from "./ports.ts";
import { compareVersions, isInitial, isPrerelease, raise, stepBetween, type Level } from "./semver.ts";
import { listVersions } from "./versions.ts";

/** A model under its version, as far as callers see it: a bundle is one. */
export type Promised = Pick<Bundle, "name" | "version" | "task" | "classes" | "outputs" | "inputs">;

/**
 * The released versions that a version has to fit between: the nearest below and above it on its line.
 * A line is a major version, below 1.0.0 a minor one. Pre-releases are no neighbours, and have none
 * above: nothing is promised of them.
 */
export function neighboursOf(
  version: string,
  released: readonly string[],
): { below: string | null; above: string | null } {
  const line = released
    .filter((other) => !isPrerelease(other) && weightOf(version, other) !== "major" && other !== version)
    .toSorted(compareVersions);
  return {
    below: line.findLast((other) => compareVersions(other, version) < 0) ?? null,
    above: isPrerelease(version) ? null : (line.find((other) => compareVersions(other, version) > 0) ?? null),
  };
}

/**
 * What a step from one version to the next says to callers: `major`, that it may break them; `minor`,
 * that it may take more. Below 1.0.0 each number means what the one before it means from there on, as
 * npm and Cargo read it; semver itself promises nothing there.
 */
export function weightOf(from: string, to: string): Level {
  const step = stepBetween(from, to) ?? "patch";
  if (!isInitial(from) || step === "major") return step;
  return step === "minor" ? "major" : "minor";
}

/** The level that a version is raised on so that the step says `weight`. */
export function levelFor(weight: Level, version: string): Level {
  if (!isInitial(version)) return weight;
  return weight === "major" ? "minor" : "patch";
}

/** The least that a step with these changes has to say. */
export function weightNeeded(changes: readonly SignatureChange[]): Level {
  if (changes.some(({ kind }) => kind === "break")) return "major";
  return changes.length > 0 ? "minor" : "patch";
}

/** The changes that a step does not say. */
export function untold(from: Promised, to: Promised): SignatureChange[] {
  const weight = weightOf(from.version, to.version);
  if (weight === "major") return [];
  const changes = signatureChanges(from, to);
  return weight === "minor" ? changes.filter(({ kind }) => kind === "break") : changes;
}

/**
 * Refuses a version that does not say how the model's signature differs from that of its neighbours.
 * A version may be lower than others that are released: a correction of an older line.
 * @throws MlshipError `version.meaning`, exit 2, with the differences and the next version that fits;
 *   as `fetchVersion`.
 */
export async function requireMeaning(store: ObjectStore, promised: Promised): Promise<void> {
  const { name, version } = promised;
  const released = await listVersions(store, name);
  const { below, above } = neighboursOf(version, released);
  const bundleOf = async (other: string) => (await fetchVersion(store, name, other)).bundle;
  const before = below === null ? null : await bundleOf(below);
  if (before !== null && untold(before, promised).length > 0)
    throw meaningless(before, promised, promised, await fitting(promised, released, bundleOf));
  const after = above === null ? null : await bundleOf(above);
  if (after !== null && untold(promised, after).length > 0)
    throw meaningless(promised, after, promised, await fitting(promised, released, bundleOf));
}

/** The next version on the line that the model fits, else the next above all that are released. */
async function fitting(
  promised: Promised,
  released: readonly string[],
  bundleOf: (version: string) => Promise<Promised>,
): Promise<string> {
  const stable = released.filter((version) => !isPrerelease(version));
  const line = stable.findLast((version) => weightOf(version, promised.version) !== "major");
  const top = stable.at(-1) ?? promised.version;
  const weightFrom = async (version: string) =>
    weightNeeded(signatureChanges(await bundleOf(version), promised));
  if (line !== undefined) {
    const weight = await weightFrom(line);
    if (weight !== "major") return raise(line, levelFor(weight, line));
  }
  return raise(top, levelFor(await weightFrom(top), top));
}

function meaningless(from: Promised, to: Promised, asked: Promised, next: string): MlshipError {
  const changes = untold(from, to);
  const weight = weightNeeded(changes);
  const does = weight === "major" ? "it would break them" : "it takes more than they know of";
  return new MlshipError({
    code: "version.meaning",
    what: `${asked.name} ${to.version} does not say by its number what it changes for callers of ${from.version}`,
    why: `${does}, which only a higher ${levelFor(weight, to.version)} number says`,
    fix: `set version: ${next} in mlship.yaml, or let --bump auto do it`,
    exit: "usage",
    problems: changes.map(({ what }) => ({ what })),
  });
}
