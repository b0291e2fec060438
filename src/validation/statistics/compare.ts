// A candidate beside the version in production, on the same rows.
import { type Answers, rowsOf } from "../metrics/answers.ts";
import type { Interval } from "../report/measures.ts";
import { influence, type MetricKey, standardError } from "./influence.ts";
import { criticalValue, twoSided } from "./normal.ts";

/** How a comparison is made. */
export interface Comparing {
  /** Share of intervals that hold the true difference: 0.95. */
  level: number;
  /** Of whatever is drawn; the same seed gives the same digits. */
  seed: number;
  /** Draws, where there are any: 2000. */
  replicates: number;
}

/** A metric of both, and how they differ. */
export interface Difference {
  candidate: number;
  production: number;
  /** Candidate minus production, in the metric's own direction. */
  delta: number;
  ci: Interval | null;
  /** `mcnemar`, `delong`, `cells` or `bootstrap`. */
  test: string;
  /** Two-sided; null where the test gives none. */
  p: number | null;
  /** Standard error of `delta`; null without an interval. */
  se: number | null;
}

/**
 * Compares two models that answered the same rows, with the same classes in the same order. Null when
 * either has no value.
 */
export async function compareAnswers(
  candidate: Answers,
  production: Answers,
  metric: MetricKey,
  { level }: Comparing,
): Promise<Difference | null> {
  const [now, before] = [influence(candidate, metric), influence(production, metric)];
  if (!now || !before || rowsOf(candidate) !== rowsOf(production)) return null;
  const delta = now.value - before.value;
  const se = standardError(now.rows.map((one, row) => one - (before.rows[row] ?? 0)));
  const half = criticalValue(level) * se;
  return {
    candidate: now.value,
    production: before.value,
    delta,
    ci: {
      lo: delta - half,
      hi: delta + half,
      level,
      method: "influence",
      replicates: null,
      seed: null,
    },
    test: "influence",
    p: se > 0 ? twoSided(delta / se) : 1,
    se,
  };
}
