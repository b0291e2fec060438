// Judges declared slices. The whole must be proven good; a slice is refused only when it is proven bad.
import type { QualityGates, QualityMetric } from "../../config/gates.ts";
import { gatesOf } from "../gates/check.ts";
import { dropOf } from "../gates/drop.ts";
import { rounding } from "../gates/floor.ts";
import { type JudgeBy, type JudgedGate, type Outcome, withoutNumbers } from "../gates/gate.ts";
import { showRange, showTogether } from "../gates/words.ts";
import type { Answers } from "../metrics/answers.ts";
import { showName, showNumber } from "../show.ts";
import { compareAnswers, type Comparing } from "../statistics/compare.ts";
import { probabilityBeyond } from "../statistics/interval.ts";
import { holm } from "../statistics/multiplicity.ts";
import { upperTail } from "../statistics/normal.ts";
import { subsetOf } from "../statistics/subset.ts";
import type { Part } from "./part.ts";
import type { Selection } from "./select.ts";
import type { Wanted } from "./wanted.ts";

/** A declared slice, measured. */
export interface MeasuredSlice {
  selection: Selection;
  part: Part;
  /** Its own gates, or those of all rows. */
  gates: QualityGates;
}

/** What slices are judged by besides their own rows. */
export interface SliceEvidence {
  /** Rows in all. */
  total: number;
  /** Answers of the version in production to all rows, in the candidate's classes; null before the first release. */
  production: { answers: Answers | null; reason: string | null } | null;
  comparing: Comparing;
  judgeBy: JudgeBy;
}

/** A gate that is decided but for the other gates beside it. */
interface Case {
  question: Pick<JudgedGate, "id" | "metric" | "average" | "bound" | "slice" | "required">;
  /** What it is when no p stands against it. */
  outcome: Outcome;
  /** One-sided probability of looking this bad at the bound itself; null for what is decided already. */
  p: number | null;
  /** What is said of it when it fails. */
  broken: { why: string; hint: string };
}

/**
 * Judges every gate of every slice, all of them as one family: of slices that all keep their bounds, some
 * one is refused with a probability of at most 1 − confidence (Holm).
 */
export async function judgeSlices(
  slices: readonly MeasuredSlice[],
  evidence: SliceEvidence,
): Promise<JudgedGate[]> {
  const cases: Case[] = [];
  for (const slice of slices) {
    for (const [metric, gate] of gatesOf(slice.gates)) {
      for (const bound of ["min", "max", "maxDrop"] as const) {
        const required = gate[bound];
        if (required !== undefined) cases.push(await weigh(slice, { metric, bound, required }, evidence));
      }
    }
  }
  const open = cases.filter(({ p }) => p !== null);
  const adjusted = holm(open.map(({ p }) => p ?? 1));
  const alpha = 1 - evidence.comparing.level;
  return cases.map((one): JudgedGate => {
    const place = open.indexOf(one);
    const isProven = evidence.judgeBy === "value" ? one.p === 0 : (adjusted[place] ?? 1) <= alpha;
    if (place === -1 || !isProven) return { ...one.question, ...one.outcome };
    return { ...one.question, ...one.outcome, status: "fail", ...one.broken };
  });
}

interface Asked {
  metric: QualityMetric;
  bound: "min" | "max" | "maxDrop";
  required: number;
}

async function weigh(slice: MeasuredSlice, asked: Asked, evidence: SliceEvidence): Promise<Case> {
  const { rule, rows } = slice.selection;
  const measured = slice.part.metrics.find(({ name }) => name === asked.metric);
  const average = measured?.average ?? null;
  const question = {
    id: `${asked.metric}.${asked.bound}[${rule.name}]`,
    ...asked,
    average,
    slice: rule.name,
  };
  const closed = (outcome: Outcome): Case => ({ question, outcome, p: null, broken: { why: "", hint: "" } });
  const name = `${showName({ name: asked.metric, average })} in ${rule.name}`;
  const seen = { observed: measured?.value ?? null };
  if (rows.length < rule.minRows) {
    const few = `the slice has ${rows.length === 1 ? "one row" : `${rows.length} rows`}, fewer than ${rule.minRows}`;
    const needed = rows.length === 0 ? null : Math.ceil((evidence.total / rows.length) * rule.minRows);
    const hint = "add rows of the slice, or lower its minRows";
    return closed({ ...withoutNumbers("inconclusive", few, hint), ...seen, rowsToDecide: needed });
  }
  if (!measured || measured.value === null) {
    const hint = "add rows of the slice, of every class if the model is a classifier";
    return closed(withoutNumbers("inconclusive", `${name} has no value on these ${rows.length} rows`, hint));
  }
  const metric = { name: asked.metric, average };
  const weighed =
    asked.bound === "maxDrop"
      ? await weighDrop(slice, metric, asked.required, evidence, name)
      : weighFloor(
          slice,
          { ...metric, ci: measured.ci, value: measured.value },
          asked.bound,
          asked.required,
          evidence,
          name,
        );
  return "p" in weighed ? { question, ...weighed } : closed({ ...weighed, ...seen });
}

type Weighed = Omit<Case, "question"> | Outcome;

function weighFloor(
  { part }: MeasuredSlice,
  { value, ci, ...metric }: Wanted & { value: number; ci: { lo: number; hi: number } | null },
  bound: "min" | "max",
  required: number,
  { judgeBy }: SliceEvidence,
  name: string,
): Weighed {
  const keeps = bound === "min" ? value >= required - rounding : value <= required + rounding;
  const p = judgeBy === "value" ? (keeps ? 1 : 0) : probabilityBeyond(part.answers, metric, required, bound);
  if (p === null || (judgeBy === "interval" && !ci)) {
    return withoutNumbers(
      "inconclusive",
      `${name} is ${showNumber(value)}, but its rows give it no interval`,
      "add rows of the slice",
    );
  }
  const used = judgeBy === "value" || !ci ? null : { lo: ci.lo, hi: ci.hi };
  const [is = "", must = "", ...range] = showTogether([value, required, ...(used ? [used.lo, used.hi] : [])]);
  const told = `${name} is ${is}${used ? ` (${showRange(range)})` : ""}`;
  const [good, bad] = bound === "min" ? ["at least", "below"] : ["at most", "above"];
  return {
    p: keeps ? 1 : p,
    outcome: {
      observed: value,
      ci: used,
      production: null,
      rowsToDecide: null,
      status: "pass",
      why: keeps ? `${told}, ${good} ${must}` : `${told}, not shown to be ${bad} ${must}`,
      hint: null,
    },
    broken: {
      why: `${told}, ${bad} ${must}`,
      hint: "improve the model for these rows, or give the slice gates of its own",
    },
  };
}

async function weighDrop(
  { part, selection }: MeasuredSlice,
  metric: Wanted,
  required: number,
  { production, comparing, judgeBy }: SliceEvidence,
  name: string,
): Promise<Weighed> {
  if (production === null) {
    const why = "no version is in production yet: this is the first release";
    return withoutNumbers("skipped", why, "it is judged from the second release on");
  }
  if (!production.answers) {
    const why = `the version in production cannot be compared on these rows: ${production.reason}`;
    return withoutNumbers(
      "error",
      why,
      "use rows that both versions can answer, or remove maxDrop for this release",
    );
  }
  const before = subsetOf(production.answers, selection.rows);
  const compared = await compareAnswers(part.answers, before, metric, comparing);
  if (!compared || (judgeBy === "interval" && compared.ci === null)) {
    return withoutNumbers(
      "inconclusive",
      `the difference of ${name} has no interval on these rows`,
      "add rows of the slice",
    );
  }
  const { candidate, ci, se } = compared;
  const { drop, ci: range } = dropOf({ ...compared, metric: metric.name, average: metric.average });
  const keeps = drop <= required + rounding;
  const z = (drop - required) / (se ?? 0);
  const p = keeps ? 1 : judgeBy === "value" ? 0 : Number.isFinite(z) ? upperTail(z) : 0;
  const used = judgeBy === "value" ? null : range;
  const [now, then] = showTogether([candidate, compared.production]);
  const [by, must, ...ends] = showTogether([Math.abs(drop), required, ...(used ? [used.lo, used.hi] : [])]);
  const side = drop > rounding ? `worse by ${by}` : drop < -rounding ? `better by ${by}` : "equal";
  const told = `${name} is ${now}, in production ${then}: ${side}${used ? ` (a drop of ${showRange(ends)})` : ""}`;
  return {
    p,
    outcome: {
      observed: candidate,
      production: compared.production,
      ci: used && ci && { lo: ci.lo, hi: ci.hi },
      rowsToDecide: null,
      status: "pass",
      why: keeps ? told : `${told}, not shown to be more than ${must}`,
      hint: null,
    },
    broken: { why: told, hint: `improve the model for these rows; it may be worse by at most ${must}` },
  };
}
