// Fairness: how far apart the groups of a column are in one metric, and whether that is within the gap allowed.
import type { FairnessRule } from "../../config/config.ts";
import { type JudgeBy, type JudgedGate, type Outcome, withoutNumbers } from "../gates/gate.ts";
import { showRange, showRows, showTogether } from "../gates/words.ts";
import { rounding } from "../gates/floor.ts";
import { showLabel } from "../labels.ts";
import type { Answers } from "../metrics/answers.ts";
import { averagesOf, measureOne } from "../metrics/measure.ts";
import type { Fairness } from "../report/measures.ts";
import { showCount, showName } from "../show.ts";
import { differenceOfGroups } from "../statistics/groups.ts";
import { intervalOf } from "../statistics/interval.ts";
import { criticalValue } from "../statistics/normal.ts";
import { subsetOf } from "../statistics/subset.ts";
import type { Group } from "./groups.ts";

/** Groups with fewer rows say nothing of how a model treats them. */
const fewestRows = 30;

/** Two groups and how far apart they are. */
interface Pair {
  gap: number;
  /** Standard error of the difference. */
  se: number;
  lo: number;
  hi: number;
}

/** What {@link measureFairness} finds. */
export interface MeasuredFairness {
  report: Fairness;
  gate: JudgedGate;
}

/**
 * Measures each group, and every pair of groups with an interval that holds for all pairs at once
 * (Bonferroni). The gate passes when no pair can be further apart than the rule allows, fails when one
 * is shown to be, and is inconclusive between.
 */
export function measureFairness(
  answers: Answers,
  rule: FairnessRule,
  groups: readonly Group[],
  { level, judgeBy }: { level: number; judgeBy: JudgeBy },
): MeasuredFairness {
  const average = rule.average ?? averagesOf(answers.task, rule.metric)[0] ?? null;
  const metric = { name: rule.metric, average };
  const measured = groups.map(({ group, rows }) => {
    const own = subsetOf(answers, rows);
    const { value } = measureOne(own, rule.metric, average);
    const ci = value === null ? null : intervalOf(own, metric, level);
    const reason =
      rows.length < fewestRows
        ? `it has ${rows.length === 1 ? "one row" : `${rows.length} rows`}, fewer than ${fewestRows}`
        : value === null
          ? `${rule.metric} has no value on its rows`
          : ci === null
            ? `its rows give ${rule.metric} no interval`
            : null;
    return { own, reported: { group, rows: rows.length, value, ci, reason } };
  });
  const counted = measured.filter(({ reported }) => reported.reason === null);
  const pairs = pairsOf(
    counted.map(({ own }) => own),
    metric,
    level,
  );
  const values = counted.map(({ reported }) => reported.value ?? 0);
  const gap = counted.length < 2 ? null : Math.max(...values) - Math.min(...values);
  const ends =
    pairs.length === 0
      ? null
      : { lo: Math.max(0, ...pairs.map(({ lo }) => lo)), hi: Math.max(...pairs.map(({ hi }) => hi)) };
  const report: Fairness = {
    column: rule.column,
    metric: rule.metric,
    average,
    maxGap: rule.maxGap,
    groups: measured.map(({ reported }) => reported),
    gap,
    ci: ends && { ...ends, level, method: "bonferroni", replicates: null, seed: null },
  };
  const rows = counted.reduce((sum, { reported }) => sum + reported.rows, 0);
  const question = {
    id: `fairness.${rule.metric}[${rule.column}]`,
    metric: rule.metric,
    average,
    bound: "maxGap" as const,
    slice: null,
    required: rule.maxGap,
  };
  return { report, gate: { ...question, ...judge(report, { rows, pairs, judgeBy }) } };
}

function pairsOf(
  groups: readonly Answers[],
  metric: Parameters<typeof differenceOfGroups>[2],
  level: number,
): Pair[] {
  const count = (groups.length * (groups.length - 1)) / 2;
  const z = count === 0 ? 0 : criticalValue(1 - (1 - level) / count);
  return groups.flatMap((a, place) =>
    groups.slice(place + 1).flatMap((b) => {
      const difference = differenceOfGroups(a, b, metric);
      if (!difference) return [];
      const [gap, half] = [Math.abs(difference.delta), z * difference.se];
      return [{ gap, se: difference.se, lo: gap - half, hi: gap + half }];
    }),
  );
}

function judge(
  report: Fairness,
  { rows, pairs, judgeBy }: { rows: number; pairs: readonly Pair[]; judgeBy: JudgeBy },
): Outcome {
  const { column, metric, average, maxGap, gap, ci, groups } = report;
  if (gap === null || ci === null) {
    const left = groups.find(({ reason }) => reason !== null);
    const why = left ? `: ${nameOf(left.group)} is left out, ${left.reason}` : "";
    const told = `${column} has fewer than two groups that can be compared${why}`;
    return withoutNumbers("inconclusive", told, "add rows of the groups, or name another column");
  }
  const used = judgeBy === "value" ? null : { lo: ci.lo, hi: ci.hi };
  const [is, must, ...range] = showTogether([gap, maxGap, ...(used ? [used.lo, used.hi] : [])]);
  const counted = groups.filter(({ reason }) => reason === null);
  const ordered = counted.toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0));
  const [low, high] = [ordered[0], ordered.at(-1)];
  const between = low && high ? ` (${nameOf(low.group)} and ${nameOf(high.group)})` : "";
  const told = `${showName({ name: metric, average })} differs by ${is}${used ? ` (${showRange(range)})` : ""} between groups of ${column}${between}`;
  const judged = { observed: gap, ci: used, production: null, rowsToDecide: null };
  const keeps = (value: number) => value <= maxGap + rounding;
  const ends = used ? [used.lo, used.hi] : [gap];
  if (ends.every(keeps)) return { ...judged, status: "pass", why: `${told}, at most ${must}`, hint: null };
  if (!ends.some(keeps)) {
    const hint = "improve the model for the group that it serves worst";
    return { ...judged, status: "fail", why: `${told}, more than ${must}`, hint };
  }
  const needed = rowsFor(pairs, maxGap, rows);
  return {
    ...judged,
    status: "inconclusive",
    why: `${told}: ${must} is inside the interval`,
    hint:
      needed === null
        ? "the gap is the one allowed: no number of rows decides it; move maxGap"
        : `${showRows(needed)} like these would decide it, there are ${showCount(rows)}`,
    rowsToDecide: needed,
  };
}

/**
 * Rows from which on the intervals of all pairs would leave the bound on one side, if the rows to come
 * are like these; null when a pair lies on it. A pair that shows too large a gap decides for all.
 */
function rowsFor(pairs: readonly Pair[], maxGap: number, rows: number): number | null {
  const factors = pairs.map(({ gap, hi }) => ({ gap, factor: ((hi - gap) / (maxGap - gap)) ** 2 }));
  const over = factors.filter(({ gap }) => gap > maxGap);
  const factor =
    over.length > 0
      ? Math.min(...over.map((one) => one.factor))
      : Math.max(...factors.map((one) => one.factor));
  const needed = Math.ceil(rows * factor);
  return Number.isFinite(needed) && needed <= 1e12 ? Math.max(rows, needed) : null;
}

const nameOf = (group: Fairness["groups"][number]["group"]) =>
  group === null ? "no value" : showLabel(group);
