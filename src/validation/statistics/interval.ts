// Confidence intervals of metrics, and how sure it is that a metric is beyond a bound.
import type { Answers } from "../metrics/answers.ts";
import type { Interval } from "../report/measures.ts";
import { estimate } from "./estimate.ts";
import type { MetricKey } from "./influence.ts";
import { criticalValue, upperTail } from "./normal.ts";

/**
 * The interval of a metric; null when the metric has no value, or there are too few rows or too little
 * scatter for one.
 * @param level share of intervals made like this that hold the true value, such as 0.95
 */
export function intervalOf(answers: Answers, metric: MetricKey, level: number): Interval | null {
  const found = estimate(answers, metric);
  const bounds = found?.bounds(criticalValue(level));
  if (!found || !bounds) return null;
  return { ...bounds, level, method: found.method, replicates: null, seed: null };
}

/**
 * One-sided probability that a metric which is just at `bound` looks this far beyond it: below it for
 * the side `min`, above it for `max`. It is the level at which the interval's end reaches the bound, so
 * it agrees with the interval; null without an interval.
 */
export function probabilityBeyond(
  answers: Answers,
  metric: MetricKey,
  bound: number,
  side: "min" | "max",
): number | null {
  const found = estimate(answers, metric);
  if (!found?.bounds(1)) return null;
  const isBeyond = side === "min" ? found.value < bound : found.value > bound;
  const lower = (side === "max") === isBeyond;
  // Widens the interval until the end that faces the bound reaches it.
  let [near, far] = [0, 40];
  for (let step = 0; step < 60; step++) {
    const z = (near + far) / 2;
    const bounds = found.bounds(z);
    const reaches = bounds === null || (lower ? bounds.lo <= bound : bounds.hi >= bound);
    if (reaches) far = z;
    else near = z;
  }
  return isBeyond ? upperTail(near) : 1 - upperTail(near);
}
