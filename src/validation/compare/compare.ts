// Compares a candidate with the version in production, metric by metric, paired by row.
import { type Digest, digestDocument } from "../../digest.ts";
import type { Answers } from "../metrics/answers.ts";
import type { Comparison } from "../report/measures.ts";
import type { Wanted } from "../slices/wanted.ts";
import { compareAnswers, type Comparing } from "../statistics/compare.ts";

/** Draws of whatever is drawn: an end of a 95 % interval then moves by about a fiftieth of its width. */
export const replicates = 2000;

/**
 * The seed of everything that is drawn: it follows from what is validated, so that the same inputs give
 * the same digits on any machine.
 */
export function seedOf(model: Digest, dataset: Digest): number {
  const digest = digestDocument({ schema: "mlship.seed/v1", model, dataset });
  return Number.parseInt(digest.slice("sha256:".length, "sha256:".length + 8), 16);
}

/** Compares the answers of both; a metric that either has no value for is left out. */
export async function compare(
  candidate: Answers,
  production: Answers,
  wanted: readonly Wanted[],
  comparing: Comparing,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const { name, average } of wanted) {
    const difference = await compareAnswers(candidate, production, { name, average }, comparing);
    if (!difference) continue;
    const { se: _se, ...told } = difference;
    comparisons.push({ metric: name, average, ...told });
  }
  return comparisons;
}
