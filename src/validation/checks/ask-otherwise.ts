// The same rows, asked in another way: a model must not care how many come together, in which order, or on how many threads.
import type { efforts } from "../../config/validate-keys.ts";
import { compareGolden, type Golden, goldenColumns } from "../golden.ts";
import type { Columns, Predictions, Scorer } from "../ports.ts";
import type { Robustness } from "../report/data.ts";
import type { Finding } from "../sanity.ts";

/** How much is asked: rows in milliseconds, or more of them and the model loaded a second time. */
export type Effort = (typeof efforts)[number];

const rowsOf: Record<Effort, number> = { quick: 16, full: 64 };

/**
 * Differences up to this are the rounding of single precision, and as large as those that parity of an
 * image allows by default. They differ between processors, so the report counts them as none.
 */
const rounding = 1e-6;

/** What {@link askOtherwise} needs. */
export interface AskingInput {
  /** Rows with the answers that they got among thousands of others. */
  golden: Golden;
  scorer: Scorer;
  effort: Effort;
  /** Loads the model once more, with two threads; null when its loader keeps it on one whatever it is given. */
  openThreaded: (() => Promise<Scorer>) | null;
  signal?: AbortSignal | undefined;
}

/**
 * Asks rows one by one, with their columns the other way round, and of a model that runs on two threads.
 * What was not asked is there with the reason.
 * @throws MlshipError `score.*` when the model fails on rows that it answered before.
 */
export async function askOtherwise(input: AskingInput): Promise<Robustness[]> {
  const { golden, scorer, effort, openThreaded, signal } = input;
  const some = someOf(golden, rowsOf[effort]);
  const columns = goldenColumns(some);
  signal?.throwIfAborted();
  // All on their way at once: the model does not wait for who asks.
  const [singly, together, turned] = await Promise.all([
    askSingly(scorer, columns, some.rows),
    scorer.score(columns),
    scorer.score(turnedColumns(columns)),
  ]);
  const asTogether = { ...some, ...together };
  const measured = [
    measureOf("batchSize", compareGolden(some, singly)),
    measureOf("columnOrder", compareGolden(asTogether, turned)),
  ];
  if (openThreaded === null) return [...measured, notAsked("threads", "its loader runs it on one thread")];
  if (effort === "quick") return [...measured, notAsked("threads", "asked by validate.robustness: full")];
  const threaded = await askOnce(await openThreaded(), columns);
  return [...measured, measureOf("threads", compareGolden(asTogether, threaded))];
}

/** Nothing was asked. */
export function notAsked(check: Robustness["check"], reason: string): Robustness {
  return { check, rows: 0, flips: 0, maxDelta: 0, reason };
}

async function askOnce(scorer: Scorer, columns: Columns): Promise<Predictions> {
  try {
    return await scorer.score(columns);
  } finally {
    await scorer.close();
  }
}

/** Rows evenly over the golden ones. */
function someOf(golden: Golden, most: number): Golden {
  const count = Math.min(most, golden.rows);
  const rows = Array.from({ length: count }, (_none, at) => Math.floor((at * golden.rows) / count));
  const pick = <Value>(values: readonly Value[]) => rows.flatMap((row) => values.slice(row, row + 1));
  return {
    ...golden,
    rows: count,
    columns: golden.columns.map((column) => ({ ...column, values: pick(column.values) })),
    labels: pick(golden.labels),
    predictions: pick(golden.predictions),
    probabilities: golden.probabilities && pick(golden.probabilities),
  };
}

async function askSingly(scorer: Scorer, columns: Columns, rows: number): Promise<Predictions> {
  const answers = await Promise.all(
    Array.from({ length: rows }, (_none, row) => {
      const one: Columns = Object.create(null);
      for (const [name, values] of Object.entries(columns)) one[name] = values.slice(row, row + 1);
      return scorer.score(one);
    }),
  );
  const chances = answers.flatMap(({ probabilities }) => probabilities ?? []);
  return {
    predictions: answers.flatMap(({ predictions }) => predictions),
    probabilities: chances.length === 0 ? null : chances,
  };
}

function turnedColumns(columns: Columns): Columns {
  const turned: Columns = Object.create(null);
  for (const [name, values] of Object.entries(columns).toReversed()) turned[name] = values;
  return turned;
}

function measureOf(
  check: Robustness["check"],
  { rows, flips, maxDelta }: { rows: number; flips: number; maxDelta: number },
): Robustness {
  const told = maxDelta <= rounding ? 0 : Number(maxDelta.toPrecision(2));
  return { check, rows, flips, maxDelta: told, reason: null };
}

/** What was seen: `the model answers 3 of 16 rows with another label`. */
type Seen = Pick<Finding, "severity"> & { changed: string };

const findingOf: Record<Robustness["check"], (seen: Seen) => Finding> = {
  batchSize: ({ severity, changed }) => ({
    code: "robustness.batch-size",
    severity: severity,
    what: `${changed} when rows are asked one by one instead of together`,
    fix: "look for statistics over the batch, such as a normalisation in training mode or a mean over the rows, and for randomness: served requests come alone and in batches",
  }),
  columnOrder: ({ severity, changed }) => ({
    code: "robustness.column-order",
    severity: severity,
    what: `${changed} when columns are given in another order`,
    fix: "take columns by name in the handler, and look for randomness: a request may name its columns in any order",
  }),
  threads: ({ severity, changed }) => ({
    code: "robustness.threads",
    severity: severity,
    what: `${changed} when it runs on two threads instead of one`,
    fix: "look for state that threads share, and for sums whose order is not fixed",
  }),
};

/** Another label fails the verdict, a difference beyond rounding warns; another order must change nothing at all. */
export function inspectRobustness(measured: readonly Robustness[]): Finding[] {
  return measured.flatMap(({ check, rows, flips, maxDelta }) => {
    if (flips === 0 && maxDelta === 0) return [];
    const changed =
      flips > 0
        ? `the model answers ${flips} of ${rows} rows with another label`
        : `the model's answers change by up to ${maxDelta}`;
    const severity = flips > 0 || check === "columnOrder" ? "fail" : "warn";
    return [findingOf[check]({ severity, changed })];
  });
}
