// Declared slices in the report: measured, compared with all other rows, adjusted for how many they are.
import type { Gates, QualityGates } from "../../config/gates.ts";
import { gatesOf, isBudget } from "../gates/check.ts";
import type { Answers } from "../metrics/answers.ts";
import type { Slice } from "../report/measures.ts";
import { holm } from "../statistics/multiplicity.ts";
import type { MeasuredSlice } from "./judge.ts";
import { measurePart } from "./part.ts";
import type { Selection } from "./select.ts";
import { wantedBy } from "./wanted.ts";

/** Measures declared slices by their own gates, or by those of all rows. */
export function measureSlices(
  answers: Answers,
  selections: readonly Selection[],
  gates: Gates,
  level: number,
): MeasuredSlice[] {
  const inherited: QualityGates = Object.fromEntries(gatesOf(gates).filter(([name]) => !isBudget(name)));
  return selections.map((selection) => {
    const own = selection.rule.gates ?? inherited;
    return {
      selection,
      gates: own,
      part: measurePart(answers, selection.rows, wantedBy(own, answers.task), level),
    };
  });
}

/** Declared slices as the report has them. Their probabilities are one family, adjusted by Holm. */
export function reportSlices(slices: readonly MeasuredSlice[]): Slice[] {
  const metrics = slices.flatMap(({ part }) => part.metrics.filter(({ p }) => p !== null));
  const adjusted = holm(metrics.map(({ p }) => p ?? 1));
  return slices.map(({ selection: { rule, rows }, part }) => ({
    name: rule.name,
    where: rule.where,
    origin: "declared",
    rows: rows.length,
    reason: rows.length === 0 ? "it has no rows" : null,
    metrics:
      rows.length === 0
        ? []
        : part.metrics.map((metric) => ({ ...metric, pAdjusted: adjusted[metrics.indexOf(metric)] ?? null })),
  }));
}
