// How sure the calibration error is: its estimate is never 0, and too high when the truth is near 0.
import { type ClassAnswers, totalWeight, weightOf } from "../metrics/answers.ts";
import { calibratedOf, calibrationBins } from "../metrics/probability.ts";
import { unranked } from "../metrics/ranking.ts";
import type { Estimate } from "./linear-estimate.ts";
import { upperTail } from "./normal.ts";
import { Stream } from "./random.ts";
import type { Bounds } from "./scale.ts";

/** Gaps of the bins, as shares of all rows, and their standard errors. */
interface Gaps {
  gaps: Float64Array;
  errors: Float64Array;
}

/** Noise drawn for each bin; the same for every model, so that equal answers give equal intervals. */
const draws = 2000;

/** Halvings of the interval's ends: to 1 in 100,000 of where they may be, far less than they scatter. */
const halvings = 17;

/** Standard normal numbers, draw by draw, one for each bin; made when they are first needed. */
let unitNoise: Float64Array | null = null;

function drawNoise(): Float64Array {
  const random = new Stream(0x0ece, 0);
  return Float64Array.from({ length: draws * calibrationBins }, () => random.normal());
}

/**
 * The interval turns a test around (hybrid resampling; Chuang and Lai, 2000). If the true gaps were such
 * and such, the error seen would scatter as Σ|gap + noise|, which is drawn; the interval holds the true
 * errors under which the one seen is neither too small nor too large. Larger true gaps than those seen
 * are taken in proportion. Smaller ones are all smaller by the same number of their standard errors, and
 * 0 where nothing is left: what noise alone could have made is taken from each bin first. A plain or
 * percentile interval would leave out 0 even of a perfectly calibrated model.
 */
export function calibrationEstimate(answers: ClassAnswers): Estimate | null {
  const found = gapsOf(answers);
  if (!found) return null;
  const { gaps, errors } = found;
  const value = totalOf(gaps);
  if (!Number.isFinite(value)) return null;
  const scatter = errors.reduce((sum, error) => sum + error * error, 0);
  return {
    value,
    method: "inversion",
    bounds: (z) => (scatter > 0 && value > 0 ? invert(found, value, upperTail(z)) : null),
  };
}

/** The calibration error that gaps add up to. */
function totalOf(gaps: Float64Array): number {
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0);
}

function gapsOf(answers: ClassAnswers): Gaps | null {
  const { probabilities, truth, weights } = answers;
  if (!probabilities || unranked(answers) !== null || truth.length === 0) return null;
  const { bin, gap } = calibratedOf(answers, probabilities);
  const all = totalWeight(answers);
  const gaps = new Float64Array(calibrationBins);
  const squares = new Float64Array(calibrationBins);
  const claimed = new Float64Array(calibrationBins);
  for (let row = 0; row < truth.length; row++) {
    const [at, share, off] = [bin(row), weightOf(weights, row) / all, gap(row)];
    gaps[at] = (gaps[at] ?? 0) + share * off;
    squares[at] = (squares[at] ?? 0) + (share * off) ** 2;
    claimed[at] = (claimed[at] ?? 0) + share * share * Math.abs(off) * (1 - Math.abs(off));
  }
  // A bin of a few rows that are all right shows no scatter: half of it is what its probabilities claim.
  const scatter = (at: number) =>
    (Math.max(0, (squares[at] ?? 0) - (gaps[at] ?? 0) ** 2 / truth.length) + (claimed[at] ?? 0)) / 2;
  return { gaps, errors: squares.map((_square, at) => Math.sqrt(scatter(at))) };
}

function invert({ gaps, errors }: Gaps, value: number, tail: number): Bounds {
  unitNoise ??= drawNoise();
  const noise = unitNoise.map((one, at) => one * (errors[at % gaps.length] ?? 0));
  /** Share of draws that are at most the error seen, if these were the true gaps. */
  const below = (trueGaps: Float64Array) => {
    let count = 0;
    for (let draw = 0; draw < draws; draw++) {
      let sum = 0;
      for (let at = 0; at < gaps.length; at++) {
        sum += Math.abs((trueGaps[at] ?? 0) + (noise[draw * gaps.length + at] ?? 0));
      }
      if (sum <= value) count++;
    }
    return count / draws;
  };
  const shrunk = (by: number) => gaps.map((gap, at) => Math.max(0, Math.abs(gap) - by * (errors[at] ?? 0)));
  const stretched = (factor: number) => gaps.map((gap) => factor * gap);
  const none = below(stretched(0));
  const reach = errors.reduce((sum, error) => sum + error, 0) / value;
  // A bin without scatter keeps its gap however many errors are taken off; the largest of the others goes last.
  const most = gaps.reduce((so, gap, at) => Math.max(so, Math.abs(gap) / (errors[at] || Infinity)), 0);
  const lo = none <= 1 - tail ? 0 : totalOf(shrunk(crossing((by) => below(shrunk(by)) <= 1 - tail, most, 0)));
  const hi =
    none <= tail ? 0 : value * crossing((factor) => below(stretched(factor)) <= tail, 0, 1 + 8 * reach);
  // A true error of 0 may be the only one below which so little is seen: the scatter itself then bounds it.
  return { lo, hi: lo === 0 && hi === 0 ? value : hi };
}

/** Where a test that holds at one end, `to`, and not at the other begins to hold. */
function crossing(holds: (at: number) => boolean, from: number, to: number): number {
  let [not, is] = [from, to];
  for (let step = 0; step < halvings; step++) {
    const middle = (not + is) / 2;
    if (holds(middle)) is = middle;
    else not = middle;
  }
  return (not + is) / 2;
}
