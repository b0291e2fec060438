// The evidence: metrics with their intervals, the comparison with production, slices, groups, and the gates on them.
import type { Config } from "../config/config.ts";
import type { Dataset } from "./dataset.ts";
import type { Evaluation } from "./evaluate.ts";
import { align, type Production } from "./compare/production.ts";
import { compare, replicates } from "./compare/compare.ts";
import { type MeasuredFairness, measureFairness } from "./fairness/fairness.ts";
import { groupsOf } from "./fairness/groups.ts";
import type { Costs } from "./gates/budget.ts";
import { gatesOf, isBudget } from "./gates/check.ts";
import type { JudgedGate } from "./gates/gate.ts";
import { judgeGates } from "./gates/judge.ts";
import { averagesOf, defaultMetrics } from "./metrics/measure.ts";
import type { Report } from "./report.ts";
import { measureSlices, reportSlices } from "./slices/declared.ts";
import { discoverSlices, type Divided } from "./slices/discover.ts";
import { judgeSlices } from "./slices/judge.ts";
import type { Selection } from "./slices/select.ts";
import type { Wanted } from "./slices/wanted.ts";
import { intervalOf } from "./statistics/interval.ts";

/** What of `validate` in mlship.yaml decides whether a model may ship. */
export type Rules = Pick<Config["validate"], "gates" | "confidence" | "judgeBy" | "slices" | "fairness">;

/** What {@link gatherEvidence} looks at. */
export interface EvidenceInput {
  rules: Rules;
  dataset: Dataset;
  evaluation: Evaluation;
  /** The rows of the declared slices. */
  selections: readonly Selection[];
  /** Null before the first release, and when no gate looks at it. */
  production: Production | null;
  /** Where bad slices are searched for. */
  divided: Divided | null;
  costs: Costs;
  /** Of whatever is drawn. */
  seed: number;
}

/** The parts of a report that numbers decide. */
export type Evidence = Pick<Report, "metrics" | "comparisons" | "slices" | "fairness"> & {
  gates: JudgedGate[];
};

/** Measures and judges; nothing of the model is asked again. */
export async function gatherEvidence(input: EvidenceInput): Promise<Evidence> {
  const { rules, dataset, evaluation, selections, production, divided, costs, seed } = input;
  const { answers, classes, task } = evaluation;
  const { gates, confidence: level, judgeBy } = rules;
  const comparing = { level, seed, replicates };
  const metrics = evaluation.metrics.map(({ name, average, value, reason }) => {
    const ci = value === null ? null : intervalOf(answers, { name, average }, level);
    return { name, average, value, reason, ci, n: dataset.rows };
  });
  const before = beside(evaluation, production);
  const comparisons = before?.answers
    ? await compare(answers, before.answers, comparedBy(gates, evaluation), comparing)
    : [];
  const slices = measureSlices(answers, selections, gates, level);
  const fairness: MeasuredFairness[] = [];
  for (const rule of rules.fairness) {
    const groups = await groupsOf(dataset, rule.column);
    fairness.push(measureFairness(answers, rule, groups, { level, judgeBy }));
  }
  const found = await discoverSlices(dataset, answers, divided, level);
  return {
    metrics,
    comparisons,
    slices: [...reportSlices(slices), ...found],
    fairness: fairness.map(({ report }) => report),
    gates: [
      ...judgeGates(gates, { metrics, comparisons, production: before, costs, judgeBy }),
      ...(await judgeSlices(slices, { total: dataset.rows, production: before, comparing, judgeBy })),
      ...fairness.map(({ gate }) => gate),
    ],
  };

  /** The answers of production in the candidate's classes, or why there are none. */
  function beside(own: Evaluation, other: Production | null) {
    if (other === null) return null;
    if (other.answered === null) return { answers: null, reason: other.reason ?? "it gave no answers" };
    return align({ classes, answers: own.answers }, other.answered);
  }

  /** Every metric with the average that the task means, and with those that gates name. */
  function comparedBy(asked: Rules["gates"], own: Evaluation): Wanted[] {
    const usual = defaultMetrics(task, own.metrics).map(({ name, average }) => ({ name, average }));
    const gated = gatesOf(asked).flatMap(([name, { average }]) =>
      isBudget(name) || average === undefined || average === averagesOf(task, name)[0]
        ? []
        : [{ name, average }],
    );
    return [...usual, ...gated];
  }
}
