// Makes Python environments that hold exactly what a lock names, and keeps them under its digest.
import { machine, platform } from "node:os";
import type { Platform } from "../../config/image-keys.ts";
import { digestDocument } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { keepGivenHashes, withoutHashes } from "../../image/lock/requirements.ts";
import { pinsText } from "../../image/lock/text.ts";
import type { Decided, Environments, LockOptions, PythonLock } from "../../validation/ports.ts";
import { buildEnvironment, findEnvironment } from "./build-environment.ts";
import { interpreterOf, listInterpreters } from "./interpreters.ts";
import type { Interpreter } from "./interpreters.ts";
import { readPins, writePins } from "./lock-file.ts";
import type { LockInputs, Pins } from "./lock-file.ts";
import type { PythonOptions, Uv } from "./options.ts";
import { normaliseRequirements } from "./requirement-lines.ts";
import { resolvePins } from "./resolve-pins.ts";
import { readServerSource } from "./server-source.ts";
import type { ServerSource } from "./server-source.ts";
import { openUv } from "./uv.ts";

/** Where environments come from. */
export interface EnvironmentsOptions extends PythonOptions {
  /** The project's folder of locks: the same inputs keep the same lock. */
  lockFolder: string;
  /** Holds requirements.txt and the package `mlship_server`. */
  serverFolder: string;
}

/** This machine as in a wheel tag: `linux_x86_64`. */
export const thisPlatform = `${platform() === "darwin" ? "macosx" : platform()}_${machine()}`;

/** The platform of images whose distributions this machine can install, where there is one. */
const imagePlatforms: Partial<Record<string, Platform>> = {
  linux_x86_64: "linux/amd64",
  linux_aarch64: "linux/arm64",
};

const nothingDecided: Decided = { python: null, exact: {}, preferred: [] };

/**
 * The environments of this machine. uv, the interpreters and the server's sources are looked up
 * when they are first needed: a lock and an environment that are there need none of them.
 */
export function createEnvironments(options: EnvironmentsOptions): Environments {
  const { cacheFolder, lockFolder } = options;
  const uv = once(() => openUv(options));
  const interpreters = once(async () => listInterpreters(await uv(), cacheFolder));
  const server = once(() => readServerSource(options.serverFolder));

  /** Pins for the newest interpreter for which there is a solution. */
  async function pin(inputs: LockInputs): Promise<Pins> {
    const found = await interpreters();
    const candidates = inputs.python === "auto" ? found : [interpreterOf(inputs.python, found)];
    const { interpreter, requirements } = await firstSatisfied(await uv(), inputs, candidates, cacheFolder);
    return { python: interpreter.minor, requirements };
  }

  async function isThere(pins: Pins, source: ServerSource): Promise<boolean> {
    const lock = lockOf(pins, source);
    if ((await findEnvironment(lock, cacheFolder)) !== null) return true;
    return (await interpreters()).some((interpreter) => interpreter.minor === pins.python);
  }

  return {
    async find(requirements, python, more = {}) {
      const source = await server();
      const known =
        exactPins(more) ?? (await readPins(lockFolder, inputsOf(requirements, python, more, source)));
      return known && (await findEnvironment(lockOf(known, source), cacheFolder));
    },

    async lock(requirements, python, more = {}) {
      const source = await server();
      const exact = exactPins(more);
      if (exact !== null) return lockOf(exact, source);
      const inputs = inputsOf(requirements, python, more, source);
      const kept = await readPins(lockFolder, inputs);
      if (kept !== null && (await isThere(kept, source))) return lockOf(kept, source);
      const pins = await pin(inputs);
      await writePins(lockFolder, inputs, pins);
      return lockOf(pins, source);
    },

    async prepare(lock, serverFile = async (path) => (await server()).read(path)) {
      checkLock(lock);
      const found = await findEnvironment(lock, cacheFolder);
      if (found !== null) return found;
      const interpreter = interpreterOf(lock.python, await interpreters());
      return buildEnvironment(lock, interpreter, await uv(), options, serverFile);
    },

    serverFile: async (path) => (await server()).read(path),
  };
}

/** Pins that need no solving. */
function exactPins({ decided = nothingDecided }: LockOptions): Pins | null {
  const here = imagePlatforms[thisPlatform];
  const requirements = here === undefined ? undefined : decided.exact[here];
  if (requirements === undefined || decided.python === null) return null;
  return { python: decided.python, requirements };
}

/** All that pins depend on. */
function inputsOf(
  requirements: readonly string[],
  python: string,
  { allowSource = [], decided = nothingDecided }: LockOptions,
  source: ServerSource,
): LockInputs {
  return {
    requirements: normaliseRequirements([...requirements, ...source.requirements]),
    python: decided.python ?? python,
    platform: thisPlatform,
    allowSource: [...allowSource].sort(),
    preferred: decided.preferred.map(({ name, version }) => `${name}==${version}`),
  };
}

/** Tries one interpreter after the other; the error of the first one when none will do. */
async function firstSatisfied(
  uv: Uv,
  inputs: LockInputs,
  candidates: readonly Interpreter[],
  cacheFolder: string,
): Promise<{ interpreter: Interpreter; requirements: string }> {
  let first: MlshipError | undefined;
  for (const interpreter of candidates) {
    try {
      return { interpreter, requirements: await compileFor(uv, inputs, interpreter, cacheFolder) };
    } catch (error) {
      if (!(error instanceof MlshipError) || !unsatisfied.has(error.code)) throw error;
      first ??= error;
    }
  }
  throw first ?? new Error("there was no interpreter to lock for");
}

/** Errors that another version of Python may not have. */
const unsatisfied = new Set(["lock.no-wheel", "python.unsatisfiable"]);

/** The text of a lock for one interpreter: no index, no path, the files that fit it by their hashes. */
async function compileFor(
  uv: Uv,
  { requirements, allowSource, preferred }: LockInputs,
  { path, minor }: Interpreter,
  cacheFolder: string,
): Promise<string> {
  const about = `Python ${minor} on this machine`;
  const question = {
    requirements: requirements.map(withoutHashes),
    target: ["--python", path],
    about,
    allowSource,
    preferred: preferred.map((pin) => {
      const [name = "", version = ""] = pin.split("==");
      return { name, version };
    }),
  };
  return pinsText(keepGivenHashes(await resolvePins(uv, question, cacheFolder), requirements, about));
}

function lockOf(pins: Pins, source: ServerSource): PythonLock {
  const content = {
    python: pins.python,
    platform: thisPlatform,
    requirements: pins.requirements,
    server: source.files,
  };
  return { ...content, digest: digestDocument(content) };
}

/** An environment is kept under its lock's digest, so the digest must be the lock's. */
function checkLock(lock: PythonLock): void {
  if (digestDocument(lock) !== lock.digest) {
    throw new MlshipError({
      code: "python.lock-changed",
      what: `the Python lock is not the one that its digest ${lock.digest} names`,
      fix: "take the release from the store again; if it stays so, the store's copy was altered",
      exit: "attention",
    });
  }
  if (lock.platform !== thisPlatform) {
    throw new MlshipError({
      code: "python.other-platform",
      what: `the Python environment was locked for ${lock.platform}, and this machine is ${thisPlatform}`,
      fix: "deploy on a machine of that kind, or release a new version from this one",
      exit: "unavailable",
    });
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
