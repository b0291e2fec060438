// Everything that a model's answers show beside its metrics, and what it costs to ask it.
import type { Model } from "../../model/model.ts";
import type { Evaluation } from "../evaluate.ts";
import { type Golden, goldenColumns } from "../golden.ts";
import { classFinder } from "../labels.ts";
import type { RunningCosts, Scorer } from "../ports.ts";
import { profileAnswers } from "../profile/profile.ts";
import type { Robustness } from "../report/data.ts";
import type { Profile } from "../report/profile.ts";
import type { Finding } from "../sanity.ts";
import { askOtherwise, type Effort, inspectRobustness, notAsked } from "./ask-otherwise.ts";
import { inspectClassOrder, inspectRanking } from "./class-order.ts";
import { inspectLibraries } from "./libraries.ts";

/** What {@link inspectModel} needs. */
export interface ModelInspectionInput {
  model: Pick<Model, "libraries">;
  scorer: Scorer;
  evaluation: Evaluation;
  /** Null when an answer was not finite. */
  golden: Golden | null;
  effort: Effort;
  /** As in `askOtherwise`. */
  openThreaded: (() => Promise<Scorer>) | null;
  /** Whether a gate waits for the latency: then it may take two seconds, else a tenth of one. */
  needsLatency: boolean;
  signal?: AbortSignal | undefined;
}

/** What a model shows. */
export interface ModelInspection {
  findings: Finding[];
  robustness: Robustness[];
  predictions: Profile["predictions"];
  costs: RunningCosts;
}

/** A gate may cost two seconds; what nobody asked for a moment. */
const secondsFor = { gate: 2, report: 0.1 } as const;
/** With fewer calls the slowest hundredth is a single one: of interest only to a gate. */
const fewestCalls = 200;

/**
 * Asks the model again, in other ways, and looks at the answers that it gave.
 * @throws MlshipError `score.*` when it fails on rows that it answered before.
 */
export async function inspectModel(input: ModelInspectionInput): Promise<ModelInspection> {
  const { model, scorer, evaluation, golden } = input;
  const { answers, answer } = evaluation;
  const robustness =
    golden === null
      ? (["batchSize", "columnOrder", "threads"] as const).map((check) =>
          notAsked(check, "not every answer is a finite number"),
        )
      : await askOtherwise({ ...input, golden });
  const { classes, positive } = evaluation;
  return {
    findings: [
      ...inspectLibraries(model.libraries, scorer.model.libraries),
      ...inspectClasses(evaluation),
      ...inspectRobustness(robustness),
    ],
    robustness,
    predictions: profileAnswers({
      classes,
      positive,
      predictions: answer.predictions,
      probabilities: answer.probabilities,
      outputs: answers.task === "regression" ? answers.outputs : 1,
    }),
    costs: await measureCosts(input),
  };
}

/** Looks at a classifier's answers for classes in another order; nothing for numbers. */
export function inspectClasses({ classes, answers, answer, metrics }: Evaluation): Finding[] {
  if (answers.task === "regression" || classes === null) return [];
  const { truth, probabilities, positive } = answers;
  const predicted = answer.predictions.encode(classFinder(classes), classes.length);
  const ordered = inspectClassOrder({ classes, truth, predicted, probabilities });
  if (ordered.length > 0 || answers.task !== "binary") return ordered;
  let positives = 0;
  for (let row = 0; row < truth.length; row++) positives += truth[row] === positive ? 1 : 0;
  const rocAuc = metrics.find(({ name }) => name === "rocAuc")?.value ?? null;
  return inspectRanking({ rocAuc, positives, negatives: truth.length - positives });
}

async function measureCosts({ scorer, golden, needsLatency }: ModelInspectionInput): Promise<RunningCosts> {
  const seconds = golden === null ? 0 : secondsFor[needsLatency ? "gate" : "report"];
  const costs = await scorer.measure(golden === null ? {} : goldenColumns(golden), seconds);
  const enough = needsLatency || (costs.latency?.calls ?? 0) >= fewestCalls;
  return enough ? costs : { ...costs, latency: null };
}
