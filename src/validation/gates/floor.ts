// Judges `min` and `max`: what a metric must reach whatever came before.
import type { MetricReport } from "../report/measures.ts";
import { showName } from "../show.ts";
import { rowsToDecide } from "../statistics/rows-to-decide.ts";
import { type JudgeBy, type Outcome, withoutNumbers } from "./gate.ts";
import { askForRows, showRange, showTogether } from "./words.ts";

/** Differences below this are rounding: 0.95 − 0.94 is not more than 0.01. */
export const rounding = 1e-9;

/**
 * Judges a bound. By interval it passes when the whole interval keeps the bound, fails when the whole
 * interval breaks it, and is inconclusive when the bound lies inside.
 * @param key the gate's key in mlship.yaml, for the hint.
 */
export function judgeFloor(
  metric: MetricReport,
  bound: { side: "min" | "max"; required: number; key: string },
  judgeBy: JudgeBy,
): Outcome {
  const { value, ci, n } = metric;
  const { side, required, key } = bound;
  const name = showName(metric);
  if (value === null) {
    return withoutNumbers(
      "error",
      `${name} has no value: ${metric.reason}`,
      `use data and a model that give ${metric.name} a value, or gate another metric`,
    );
  }
  const seen = { observed: value, production: null, rowsToDecide: null };
  const keeps = (number: number) =>
    side === "min" ? number >= required - rounding : number <= required + rounding;
  const ends = judgeBy === "value" ? [value] : ci && [ci.lo, ci.hi];
  if (!ends) {
    return {
      ...seen,
      ci: null,
      status: "inconclusive",
      why: `${name} is ${showTogether([value])[0]}, but these rows give it no interval`,
      hint: "add rows, of every class if it is a classifier, or set validate.judgeBy: value",
    };
  }
  const used = judgeBy === "value" || !ci ? null : { lo: ci.lo, hi: ci.hi };
  const [is = "", must = "", ...range] = showTogether([value, required, ...(used ? [used.lo, used.hi] : [])]);
  const observed = used ? `${is} (${showRange(range)})` : is;
  const judged = { ...seen, ci: used };
  if (ends.every(keeps)) {
    const why = `${name} is ${observed}, ${side === "min" ? "at least" : "at most"} ${must}`;
    return { ...judged, status: "pass", why, hint: null };
  }
  if (!ends.some(keeps)) {
    const why = `${name} is ${observed}, ${side === "min" ? "below" : "above"} ${must}`;
    return {
      ...judged,
      status: "fail",
      why,
      hint: `improve the model, or change ${key} if it asks for more than you need`,
    };
  }
  const rows = used && rowsToDecide({ value, ci: used, n, required, side });
  return {
    ...judged,
    status: "inconclusive",
    why: `${name} is ${observed}: ${must} is inside the interval`,
    hint: askForRows(rows, n),
    rowsToDecide: rows,
  };
}
