// Loads a model in a Python process of its environment and asks it for predictions.
import { dirname, resolve } from "node:path";
import { MlshipError } from "../../errors.ts";
import type { Batch } from "../../validation/batch.ts";
import type {
  BatchAnswer,
  Columns,
  Environment,
  Predictions,
  RunningCosts,
  Scorer,
  Scorers,
} from "../../validation/ports.ts";
import { Series } from "../../validation/series.ts";
import type { Variables } from "../process.ts";
import { startConversation } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import { batchReply, measuredReply, predictionsReply, readyReply } from "./scorer-replies.ts";
import type { Failure } from "./scorer-replies.ts";

/** How scorers run. */
export interface ScorersOptions {
  env: Variables;
  /** Number of this process: a scorer ends when it is gone. */
  pid: number;
  signal?: AbortSignal | undefined;
  /** Milliseconds; big models on slow disks take a minute. */
  loadTimeoutMs?: number;
  /** Milliseconds for one call of `score`, whatever its number of rows. */
  requestTimeoutMs?: number;
}

/** Scorers as processes: `python -m mlship_server score BUNDLE`. */
export function createScorers(options: ScorersOptions): Scorers {
  const loadTimeoutMs = options.loadTimeoutMs ?? 5 * 60_000;
  const requestTimeoutMs = options.requestTimeoutMs ?? 10 * 60_000;

  function start(environment: Environment, words: readonly string[], threads: number): Promise<Conversation> {
    return startConversation(environment.python, ["-m", "mlship_server", "score", ...words], {
      env: childVariables(options, threads),
      cwd: rootOf(environment),
      signal: options.signal,
    });
  }

  async function hearReady(conversation: Conversation): Promise<Scorer> {
    try {
      const reply = await conversation.hear(readyReply, loadTimeoutMs, "the model to load");
      if ("error" in reply) throw loadFailed(reply.error.message, conversation.printed());
      return scorerOf(conversation, reply.ready, requestTimeoutMs);
    } catch (error) {
      await conversation.end(0);
      const died = error instanceof MlshipError && error.code.startsWith("score.");
      throw died ? loadFailed(error.what, error.why ?? "") : error;
    }
  }

  return {
    async open(environment, bundleFolder, threads = 1) {
      return await hearReady(await start(environment, [resolve(bundleFolder)], threads));
    },
    async start(environment, bundleFolder, modules) {
      const imports = modules.flatMap((name) => ["--import", name]);
      const conversation = await start(environment, [...imports, resolve(bundleFolder)], 1);
      return {
        load() {
          conversation.say("load");
          return hearReady(conversation);
        },
        close: () => conversation.end(0),
      };
    },
  };
}

const awaited = "the model's predictions";

function scorerOf(conversation: Conversation, model: Scorer["model"], timeoutMs: number): Scorer {
  /** Replies wait for one another: each belongs to the oldest request without one. */
  let last: Promise<unknown> = Promise.resolve();

  /** Requests do not wait: while the model is at work on one, the next one is on its way. */
  function inTurn<T>(hear: () => Promise<T>): Promise<T> {
    const answer = last.then(hear);
    last = answer.catch(() => null);
    return answer;
  }

  return {
    model,
    score(columns) {
      conversation.say(JSON.stringify({ columns }));
      return inTurn(() => hearPredictions(conversation, columns, timeoutMs));
    },
    predict(batch) {
      conversation.say(JSON.stringify({ batch: announce(batch) }), blocksOf(batch));
      return inTurn(() => hearArrays(conversation, timeoutMs));
    },
    measure(columns, seconds) {
      conversation.say(JSON.stringify({ measure: { seconds, rows: { columns } } }));
      return inTurn(() => hearCosts(conversation, timeoutMs));
    },
    close: () => conversation.end(5_000),
  };
}

async function hearPredictions(
  conversation: Conversation,
  columns: Columns,
  timeoutMs: number,
): Promise<Predictions> {
  const reply = await conversation.hear(predictionsReply, timeoutMs, awaited);
  if ("error" in reply) throw scoreFailed(reply.error, conversation);
  checkRows(columns, reply);
  return reply;
}

async function hearCosts(conversation: Conversation, timeoutMs: number): Promise<RunningCosts> {
  const reply = await conversation.hear(measuredReply, timeoutMs, "what the model costs");
  if ("error" in reply) throw scoreFailed(reply.error, conversation);
  return reply.measured;
}

async function hearArrays(conversation: Conversation, timeoutMs: number): Promise<BatchAnswer> {
  const reply = await conversation.hear(batchReply, timeoutMs, awaited);
  if ("error" in reply) throw scoreFailed(reply.error, conversation);
  const { rows, labels, outputs, width } = reply.answers;
  const said = await conversation.hearBytes(
    rows * outputs * (labels === null ? float64 : int32),
    timeoutMs,
    awaited,
  );
  const chances = await conversation.hearBytes(rows * width * float64, timeoutMs, awaited);
  return {
    predictions:
      labels === null
        ? Series.numbers(new Float64Array(said.buffer))
        : Series.coded(new Int32Array(said.buffer), labels),
    outputs,
    probabilities: width === 0 ? null : new Float64Array(chances.buffer),
    width,
  };
}

const float64 = Float64Array.BYTES_PER_ELEMENT;
const int32 = Int32Array.BYTES_PER_ELEMENT;

/** The line before a batch; see `Header` in mlship_server/columnar.py. */
function announce({ rows, numbers, texts }: Batch) {
  return { rows, numbers, texts: texts.map(({ name, words }) => [name, words]) };
}

/** As they lie in memory: every machine that runs Node is little-endian. */
function blocksOf({ numberBlock, textBlock }: Batch): Uint8Array[] {
  return [numberBlock, textBlock].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
}

/** No secrets, so many threads, no order that differs between runs, and nothing written beside the sources. */
function childVariables({ env, pid }: ScorersOptions, threads: number): Variables {
  const { PATH, HOME, LANG, TMPDIR } = env;
  return {
    PATH,
    HOME,
    LANG,
    TMPDIR,
    MLSHIP_PARENT: String(pid),
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
    NUMEXPR_NUM_THREADS: String(threads),
    PYTHONHASHSEED: "0",
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONUTF8: "1",
    PYTHONSAFEPATH: "1",
  };
}

/**
 * Python puts its working folder on its path (before 3.11 whatever PYTHONSAFEPATH says), so it is
 * one without modules: a project's `numpy.py` must not be imported in place of numpy.
 */
function rootOf(environment: Environment): string {
  return dirname(dirname(environment.python));
}

function checkRows(columns: Columns, reply: Predictions): void {
  const rows = Object.values(columns)[0]?.length ?? 0;
  const answered = [reply.predictions.length, reply.probabilities?.length ?? rows];
  if (answered.every((count) => count === rows)) return;
  throw new MlshipError({
    code: "score.bad-reply",
    what: `the model answered ${reply.predictions.length} predictions for ${rows} rows`,
    fix: "make predict and postprocess return one value for each row",
    exit: "usage",
  });
}

function scoreFailed(failure: Failure, conversation: Conversation): MlshipError {
  return new MlshipError({
    // The server's codes name their room first: `model.failed`.
    code: `score.${failure.code.split(".").at(-1) ?? "failed"}`,
    what: "the model could not predict these rows",
    why: [failure.message, conversation.printed()].filter((text) => text !== "").join("\n"),
    exit: "usage",
  });
}

function loadFailed(reason: string, printed: string): MlshipError {
  return new MlshipError({
    code: "model.load-failed",
    what: "the model could not be loaded",
    why: [reason, printed].filter((text) => text !== "").join("\n"),
    fix: "load it in Python with the versions in the lock; pin those it was saved with in python.requirements",
    exit: "usage",
  });
}
