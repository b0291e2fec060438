// Judges `maxDrop`: how much worse than the version in production a metric may be, on the same rows.
import { isLoss } from "../metrics/measure.ts";
import type { Comparison } from "../report/measures.ts";
import { showName, showNumber } from "../show.ts";
import { rowsToDecide } from "../statistics/rows-to-decide.ts";
import { rounding } from "./floor.ts";
import type { JudgeBy, Outcome } from "./gate.ts";
import { askForRows, showRange, showTogether } from "./words.ts";

/** How much worse the candidate is, with its interval: of a metric where less is better, the other way round. */
export function dropOf({ metric, delta, ci }: Comparison): {
  drop: number;
  ci: { lo: number; hi: number } | null;
} {
  // Not -0: a report would tell it from 0.
  const back = (value: number) => (value === 0 ? 0 : -value);
  if (isLoss(metric)) return { drop: delta, ci: ci && { lo: ci.lo, hi: ci.hi } };
  return { drop: back(delta), ci: ci && { lo: back(ci.hi), hi: back(ci.lo) } };
}

/**
 * Judges a comparison. By interval it passes when the whole interval of the drop is at most `required`,
 * fails when the whole interval is above, and is inconclusive when `required` lies inside.
 * @param n rows that both versions answered.
 */
export function judgeDrop(comparison: Comparison, required: number, n: number, judgeBy: JudgeBy): Outcome {
  const { metric, average, candidate, production } = comparison;
  const { drop, ci } = dropOf(comparison);
  const name = showName({ name: metric, average });
  const [now, before] = showTogether([candidate, production]);
  const seen = { observed: candidate, production, rowsToDecide: null };
  const used = judgeBy === "value" ? null : ci;
  const change = `${name} is ${now}, in production ${before}`;
  if (judgeBy === "interval" && !ci) {
    return {
      ...seen,
      ci: null,
      status: "inconclusive",
      why: `${change}, but these rows give the difference no interval`,
      hint: "add rows, of every class if it is a classifier, or set validate.judgeBy: value",
    };
  }
  const [by = "", must = "", ...range] = showTogether([
    Math.abs(drop),
    required,
    ...(used ? [used.lo, used.hi] : []),
  ]);
  const side = drop > rounding ? `worse by ${by}` : drop < -rounding ? `better by ${by}` : "equal";
  const told = `${change}: ${side}${used ? ` (a drop of ${showRange(range)})` : ""}`;
  const ends = used ? [used.lo, used.hi] : [drop];
  const keeps = (number: number) => number <= required + rounding;
  // The difference is what is judged: the interval is of candidate minus production, as reports have it.
  const judged = { ...seen, ci: used && comparison.ci && { lo: comparison.ci.lo, hi: comparison.ci.hi } };
  if (ends.every(keeps)) return { ...judged, status: "pass", why: told, hint: null };
  if (!ends.some(keeps)) {
    return {
      ...judged,
      status: "fail",
      why: told,
      hint: `improve the model; it may be worse by at most ${showNumber(required)}`,
    };
  }
  const rows = used && rowsToDecide({ value: drop, ci: used, n, required, side: "max" });
  return {
    ...judged,
    status: "inconclusive",
    why: `${told}: ${must} is inside the interval`,
    hint: askForRows(rows, n),
    rowsToDecide: rows,
  };
}
