// A part of the rows, measured: its metrics, their intervals, and how they compare with all other rows.
import type { Task } from "../../model/model.ts";
import { type Answers, rowsOf } from "../metrics/answers.ts";
import { isLoss, measureOne } from "../metrics/measure.ts";
import type { Slice } from "../report/measures.ts";
import { differenceOfGroups } from "../statistics/groups.ts";
import { intervalOf } from "../statistics/interval.ts";
import { upperTail } from "../statistics/normal.ts";
import { subsetOf } from "../statistics/subset.ts";
import type { Wanted } from "./wanted.ts";

/** A metric of a part of the rows; its probability is not adjusted yet. */
export type PartMetric = Slice["metrics"][number];

/** The answers to the rows of a part. */
export interface Part {
  answers: Answers;
  task: Task;
  metrics: PartMetric[];
}

/** Measures the rows of a part and, beside them, all others. @param rows numbers of the part's rows, rising. */
export function measurePart(
  answers: Answers,
  rows: Int32Array,
  wanted: readonly Wanted[],
  level: number,
): Part {
  const [own, others] = divide(answers, rows);
  const metrics = wanted.map((metric): PartMetric => {
    const measured = measureBeside(own, others, metric, level);
    const { value, rest } = measured;
    const p = value === null || rest === null ? null : probabilityWorse(own, others, metric);
    return { ...measured, p, pAdjusted: null };
  });
  return { answers: own, task: answers.task, metrics };
}

/** One metric of a part that a search has found, which knows how likely it is. @param rows as {@link measurePart}. */
export function measureFound(
  answers: Answers,
  rows: Int32Array,
  { p, pAdjusted, ...metric }: Wanted & Pick<PartMetric, "p" | "pAdjusted">,
  level: number,
): PartMetric {
  const [own, others] = divide(answers, rows);
  return { ...measureBeside(own, others, metric, level), p, pAdjusted };
}

function divide(answers: Answers, rows: Int32Array): [Answers, Answers] {
  return [subsetOf(answers, rows), subsetOf(answers, complement(rows, rowsOf(answers)))];
}

function measureBeside(own: Answers, others: Answers, { name, average }: Wanted, level: number) {
  const { value } = rowsOf(own) === 0 ? { value: null } : measureOne(own, name, average);
  const rest = rowsOf(others) === 0 ? null : measureOne(others, name, average).value;
  const ci = value === null ? null : intervalOf(own, { name, average }, level);
  return { name, average, value, ci, rest };
}

/** One-sided probability that a part as good as the rest looks this bad; null without intervals. */
function probabilityWorse(own: Answers, others: Answers, metric: Wanted): number | null {
  const difference = differenceOfGroups(own, others, metric);
  if (!difference) return null;
  const worse = isLoss(metric.name) ? difference.delta : -difference.delta;
  if (difference.se > 0) return upperTail(worse / difference.se);
  return worse > 0 ? 0 : 1;
}

/** The row numbers that are not among `rows`, which rise. */
export function complement(rows: Int32Array, count: number): Int32Array {
  const others = new Int32Array(count - rows.length);
  let [at, next] = [0, 0];
  for (let row = 0; row < count; row++) {
    if (rows[next] === row) next++;
    else others[at++] = row;
  }
  return others;
}
