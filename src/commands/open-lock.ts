// mlship.lock of a project: read, made when it is missing, refused when it has drifted.
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { askedBy, driftOf, inputsOf } from "../image/lock/drift.ts";
import { makeLock, nothingUpgraded } from "../image/lock/make.ts";
import { formatLock, parseLock } from "../image/lock/text.ts";
import { lockFile, type ReadLock } from "../image/lock/lock.ts";
import type { Host } from "./host.ts";
import { makeState, type Project } from "./project.ts";
import { inStep } from "./step.ts";

/** What a lock has to know of the model. A `Candidate` has it. */
export interface LockFacts {
  model: { digest: Digest };
  /** Normalised lines, the model's and the project's; see `requirements` of a candidate. */
  requirements: string[];
}

/** The lock that a command works with, and in what it differs from the project. */
export interface FoundLock {
  read: ReadLock;
  /** One sentence each; empty when the lock is the project's. */
  drift: string[];
}

/**
 * The lock that an image is built from. Made when there is none; a person is told to commit it.
 * @throws MlshipError `lock.drift`, exit 2, with all in which lock and project differ; what making
 *   and reading a lock throw.
 */
export async function openLock(project: Project, host: Host, facts: LockFacts): Promise<ReadLock> {
  const found = await findLock(project, host, facts);
  if (found === null) {
    const made = await inStep(host, "lock", async () => {
      const lock = await makeLock({
        asked: askedBy(project.config, facts),
        previous: null,
        upgrade: nothingUpgraded,
        resolver: await host.resolver(),
        registry: () => host.registry(),
      });
      const read = await writeLock(project, lock);
      return { result: read, told: `wrote ${lockFile}` };
    });
    host.progress.note(`${lockFile} is new: commit it, so that every build is made of the same`);
    return made;
  }
  if (found.drift.length > 0) throw drifted(found.drift);
  return found.read;
}

/** As {@link openLock}, for a judgement whose environment is to be the image's: `build` and `generate`. */
export async function requireLock(project: Project, host: Host, facts: LockFacts): Promise<FoundLock> {
  return { read: await openLock(project, host, facts), drift: [] };
}

/** The lock that a model was judged in, when it was judged with {@link requireLock} or {@link demandLock}. */
export function lockOf({ candidate }: { candidate: { lock: ReadLock | null } }): ReadLock {
  if (candidate.lock === null) throw new TypeError("the model was judged without the project's lock");
  return candidate.lock;
}

/**
 * The lock for a command that writes nothing, such as a check.
 * @throws MlshipError `lock.missing`, `lock.drift`, exit 2; what reading a lock throws.
 */
export async function demandLock(project: Project, host: Host, facts: LockFacts): Promise<FoundLock> {
  const found = await findLock(project, host, facts);
  if (found === null) {
    throw new MlshipError({
      code: "lock.missing",
      what: `there is no ${lockFile}, and a check writes none`,
      fix: "run mlship lock, and commit what it writes",
      exit: "usage",
    });
  }
  if (found.drift.length > 0) throw drifted(found.drift);
  return found;
}

/**
 * The lock for a command that only looks: null when there is none.
 * @throws MlshipError `lock.drift`, exit 2; what reading a lock throws.
 */
export async function findFittingLock(
  project: Project,
  host: Host,
  facts: LockFacts,
): Promise<FoundLock | null> {
  const found = await findLock(project, host, facts);
  if (found !== null && found.drift.length > 0) throw drifted(found.drift);
  return found;
}

/**
 * The project's lock as it is, or null when there is none.
 * @throws MlshipError `lock.damaged`, `lock.merge-conflict`, `lock.newer-schema`; exit 2.
 */
export async function findLock(project: Project, host: Host, facts: LockFacts): Promise<FoundLock | null> {
  const text = await readLockText(project);
  if (text === null) return null;
  const read = parseLock(text);
  const server = await (await host.resolver()).server();
  const inputs = inputsOf(askedBy(project.config, facts), read.lock.python, server.digest);
  return { read, drift: driftOf(read.lock, inputs) };
}

/** The text of mlship.lock, or null. */
export async function readLockText({ config }: Project): Promise<string | null> {
  try {
    return await readFile(path.join(config.folder, lockFile), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new MlshipError({
      code: "lock.unreadable",
      what: `${lockFile} cannot be read`,
      fix: "make it a file that you may read",
      exit: "usage",
      cause: error,
    });
  }
}

/** Puts the lock in place whole: whoever reads at the same time reads the old one or this one. */
export async function writeLock(project: Project, lock: ReadLock["lock"]): Promise<ReadLock> {
  const text = formatLock(lock);
  const file = path.join(project.config.folder, lockFile);
  // Git ignores that folder, so what a killed command leaves there is in nobody's way.
  const temporary = path.join(await makeState(project), `${lockFile}.${randomUUID()}`);
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (cause) {
    throw new MlshipError({
      code: "lock.unwritable",
      what: `${lockFile} cannot be written`,
      why: cause instanceof Error ? cause.message.replaceAll(temporary, lockFile) : String(cause),
      fix: `make the folder of mlship.yaml writable, with space on its disk`,
      exit: "unavailable",
      cause,
    });
  } finally {
    await rm(temporary, { force: true });
  }
  return parseLock(text);
}

function drifted(drift: string[]): MlshipError {
  return new MlshipError({
    code: "lock.drift",
    what: `${lockFile} is not the lock of this project any more`,
    fix: "run mlship lock, look at what it changes, and commit it",
    exit: "usage",
    problems: drift.map((what) => ({ what })),
  });
}
