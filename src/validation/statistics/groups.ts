// How far two groups of different rows are apart in a metric.
import type { Answers } from "../metrics/answers.ts";
import { estimate } from "./estimate.ts";
import type { MetricKey } from "./influence.ts";
import { criticalValue } from "./normal.ts";

/**
 * The metric of `a` minus that of `b`, and its standard error; null when either has no value or no
 * interval. The rows are independent, so squared errors add up; each is taken from the metric's own
 * interval at 95 %, which has a width where a plain standard error is 0, such as at a share of 1.
 */
export function differenceOfGroups(
  a: Answers,
  b: Answers,
  metric: MetricKey,
): { delta: number; se: number } | null {
  const z = criticalValue(0.95);
  const [first, second] = [estimate(a, metric), estimate(b, metric)];
  const [own, other] = [first?.bounds(z), second?.bounds(z)];
  if (!first || !second || !own || !other) return null;
  const delta = first.value - second.value;
  // The ends that face each other decide whether the groups differ (MOVER; Zou and Donner, 2008).
  const [reach, otherReach] =
    delta > 0
      ? [first.value - own.lo, other.hi - second.value]
      : [own.hi - first.value, second.value - other.lo];
  return { delta, se: Math.hypot(reach, otherReach) / z };
}
