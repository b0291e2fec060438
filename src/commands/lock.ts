// `mlship lock`: pins base image and distributions, keeping what still fits; `--check` only looks.
import type { Platform } from "../config/image-keys.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { changesOf, type LockChange } from "../image/lock/changes.ts";
import { askedBy, normaliseName } from "../image/lock/drift.ts";
import { makeLock, type Upgrade } from "../image/lock/make.ts";
import { parseLock, withDigest } from "../image/lock/text.ts";
import { lockFile, type Lock, type ReadLock } from "../image/lock/lock.ts";
import { openSubject, type Subject } from "./candidate.ts";
import type { Host } from "./host.ts";
import { findLock, readLockText, writeLock } from "./open-lock.ts";
import { openProject, withStaging, type Project } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";
import { inStep } from "./step.ts";

/** What is pinned anew, or whether anything is written at all. */
export interface LockOptions {
  /** `--upgrade` without a name. */
  upgradeAll: boolean;
  /** Names after `--upgrade`, several of them with commas between; `base` is the base image. */
  upgrade: string[];
  /** Looks for drift and writes nothing. */
  check: boolean;
}

/** `mlship.lock-change/v1`: what locking did, or would have to do. */
export interface LockDocument {
  schema: "mlship.lock-change/v1";
  /** `drifted` by `--check` only: the lock that is there, or the lack of one, does not fit the project. */
  state: "created" | "changed" | "unchanged" | "drifted";
  /** Digest of the lock as it is now; null when there is none. */
  lock: Digest | null;
  /** In what project and lock differed before, one sentence each. */
  drift: string[];
  /** What is pinned otherwise than before; empty when there was no lock. */
  changes: LockChange[];
  python: string | null;
  base: { reference: string; digest: Digest } | null;
  /** How many distributions each platform has. */
  packages: Partial<Record<Platform, number>>;
}

/** Locks the project, or checks that it is locked. */
export async function lock(
  options: LockOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<LockDocument>> {
  const upgrade = upgradeOf(options);
  const project = await openProject(host, selection);
  return await withStaging(project, host, async (folder) => {
    const subject = await openSubject(project, host, folder);
    subject.dataset.close();
    if (options.check) return await check(project, host, subject);
    return { document: await make(project, host, subject, upgrade), exit: "done" };
  });
}

async function check(project: Project, host: Host, subject: Subject): Promise<Result<LockDocument>> {
  const found = await findLock(project, host, subject);
  const drift = found?.drift ?? [`there is no ${lockFile}`];
  const state = drift.length > 0 ? "drifted" : "unchanged";
  return {
    document: { ...documentOf(found?.read ?? null), state, drift, changes: [] },
    exit: drift.length > 0 ? "usage" : "done",
  };
}

async function make(project: Project, host: Host, subject: Subject, upgrade: Upgrade): Promise<LockDocument> {
  const found = upgrade.all
    ? await findReadable(project, host, subject)
    : await findLock(project, host, subject);
  const before = found?.read ?? null;
  const made = await inStep(host, "lock", async () => {
    const result = await makeLock({
      asked: askedBy(project.config, subject),
      previous: before?.lock ?? null,
      upgrade,
      resolver: await host.resolver(),
      registry: () => host.registry(),
    });
    return { result: withDigest(result), told: describe(result) };
  });
  // What was interrupted while it resolved writes nothing.
  host.signal.throwIfAborted();
  if (before?.digest === made.digest)
    return { ...documentOf(before), state: "unchanged", drift: [], changes: [] };
  const written = await writeLock(project, made.lock);
  return {
    ...documentOf(written),
    state: before === null ? "created" : "changed",
    drift: found?.drift ?? [],
    changes: before === null ? [] : changesOf(before.lock, written.lock),
  };
}

/** The lock that is there, or null also when it cannot be read: what is made anew need not be. */
async function findReadable(project: Project, host: Host, subject: Subject): ReturnType<typeof findLock> {
  const text = await readLockText(project);
  try {
    if (text !== null) parseLock(text);
  } catch (error) {
    if (!(error instanceof MlshipError)) throw error;
    host.progress.note(`${error.what}: it is replaced`);
    return null;
  }
  return await findLock(project, host, subject);
}

function upgradeOf({ upgradeAll, upgrade, check: checks }: LockOptions): Upgrade {
  const names = upgrade.flatMap((words) => words.split(",")).map((name) => normaliseName(name.trim()));
  const wanted = names.filter((name) => name !== "");
  if (checks && (upgradeAll || wanted.length > 0)) {
    throw new MlshipError({
      code: "lock.check-upgrade",
      what: "--check changes nothing, and --upgrade changes the lock",
      fix: "give one of the two",
      exit: "usage",
    });
  }
  return {
    all: upgradeAll,
    base: wanted.includes("base"),
    names: wanted.filter((name) => name !== "base"),
  };
}

function documentOf(
  read: ReadLock | null,
): Pick<LockDocument, "schema" | "lock" | "python" | "base" | "packages"> {
  const schema = "mlship.lock-change/v1";
  if (read === null) return { schema, lock: null, python: null, base: null, packages: {} };
  const { python, base, packages } = read.lock;
  const counted = Object.entries(packages).map(([platform, pins]) => [platform, pins.length]);
  return {
    schema,
    lock: read.digest,
    python,
    base: { reference: base.reference, digest: base.digest },
    packages: Object.fromEntries(counted),
  };
}

function describe({ python, packages }: Lock): string {
  const counted = Object.entries(packages).map(
    ([platform, pins]) => `${pins.length} ${pins.length === 1 ? "package" : "packages"} for ${platform}`,
  );
  return `Python ${python}, ${counted.join(", ")}`;
}
