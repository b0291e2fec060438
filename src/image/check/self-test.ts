// Tries a built image out: starts it locked down, replays labelled rows, ends it, and measures on the way.
import type { Platform } from "../../config/image-keys.ts";
import { MlshipError } from "../../errors.ts";
import { compareGolden, goldenColumns, type Golden } from "../../validation/golden.ts";
import type { SelfTest } from "../built.ts";
import { measureDrain } from "./drain.ts";
import type { Asking, Container, Engine, Limits, Owner } from "../ports.ts";

/** What an image is tried out with. */
export interface Trial {
  layoutFolder: string;
  owner: Owner;
  golden: Golden;
  limits: Limits;
  /** Milliseconds that the image may take to become ready. */
  startTimeoutMs: number;
  /** Milliseconds that one prediction may take. */
  timeoutMs: number;
}

/** What trying out stands on. */
export interface TrialGround {
  engine: Engine;
  asking: Asking;
  clock: {
    /** Milliseconds. */
    monotonic(): number;
    sleep(ms: number, signal?: AbortSignal): Promise<void>;
  };
  signal: AbortSignal;
  /** Told what is being done. */
  onStage: (stage: string) => void;
}

/** Milliseconds between two looks whether it is ready: what start-to-ready is measured to. */
const lookEvery = 25;
/** Looks at the server between two looks at the container. */
const looksPerState = 8;
/** Milliseconds that a server may take to end: its own ten seconds for requests, and some to exit. */
const graceMs = 20_000;
/** Lines of its output that an error shows. */
const shownLines = 15;

/**
 * Tries the image of the engine's platform out. The container and the engine's copy of the image
 * are removed whatever happens.
 * @throws MlshipError `image.not-ready`, `image.ended`, `image.out-of-memory`, `image.no-answer`,
 *   exit 3; `docker.*`, exit 5; the signal's reason.
 */
export async function selfTest(trial: Trial, ground: TrialGround): Promise<SelfTest> {
  const { engine, signal, onStage } = ground;
  onStage("load the image");
  const image = await engine.load(trial.layoutFolder, engine.platform, trial.owner);
  try {
    signal.throwIfAborted();
    onStage("start it");
    const began = ground.clock.monotonic();
    const container = await engine.start(image, trial.limits, trial.owner);
    try {
      return await examine(container, began, trial, ground);
    } finally {
      await container.remove();
    }
  } finally {
    await engine.remove(image);
  }
}

async function examine(
  container: Container,
  began: number,
  trial: Trial,
  { engine, asking, clock, signal, onStage }: TrialGround,
): Promise<SelfTest> {
  const { golden, timeoutMs, limits } = trial;
  onStage("wait until it is ready");
  for (let look = 1; !(await asking.isReady(container.url)); look++) {
    signal.throwIfAborted();
    if (look % looksPerState === 0) await mustRun(container, limits, engine.platform);
    if (clock.monotonic() - began > trial.startTimeoutMs)
      throw await notReady(container, trial, engine.platform);
    await clock.sleep(lookEvery, signal);
  }
  const readyMs = clock.monotonic() - began;
  const columns = goldenColumns(golden);
  const alive = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      // That the server is gone says more than that a connection broke.
      await mustRun(container, limits, engine.platform);
      throw error;
    }
  };
  onStage(`replay ${golden.rows} labelled rows`);
  const answer = await alive(asking.ask(container.url, columns, timeoutMs));
  const parity = compareGolden(golden, answer);
  const rss = await container.memory();
  signal.throwIfAborted();
  onStage("end it while it is asked");
  const drain = await alive(measureDrain(container, asking.ask, columns, { timeoutMs, graceMs }));
  return { readyMs, rss, parity, drain };
}

/** @throws MlshipError `image.out-of-memory` or `image.ended`, exit 3, unless the container runs. */
async function mustRun(container: Container, { memory }: Limits, platform: Platform): Promise<void> {
  const { running, exitCode, outOfMemory } = await container.state();
  if (running) return;
  if (outOfMemory) {
    throw new MlshipError({
      code: "image.out-of-memory",
      what: `the image for ${platform} needs more memory than deploy.resources.memory: ${Math.round(memory / 1024 ** 2)} MiB`,
      fix: "raise deploy.resources.memory, or make the model smaller",
      exit: "gate",
    });
  }
  const output = await container.logs(shownLines);
  throw new MlshipError({
    code: "image.ended",
    what: `the image for ${platform} ended by itself with ${exitCode ?? "no exit code"}`,
    why: output === "" ? "it printed nothing" : output,
    fix: "correct what its last lines name, then run mlship build again",
    exit: "gate",
  });
}

async function notReady(container: Container, trial: Trial, platform: Platform): Promise<MlshipError> {
  const output = await container.logs(shownLines);
  return new MlshipError({
    code: "image.not-ready",
    what: `the image for ${platform} was not ready within ${trial.startTimeoutMs / 1000} s`,
    why: output === "" ? "it printed nothing" : output,
    fix: "make the model load faster, or raise deploy.canary.startTimeout",
    exit: "gate",
  });
}
