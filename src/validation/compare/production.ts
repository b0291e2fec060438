// The version in production beside the candidate: its answers to the same rows, in the candidate's classes.
import type { Digest } from "../../digest.ts";
import type { Label } from "../../model/model.ts";
import type { Evaluation } from "../evaluate.ts";
import { classFinder, showLabels } from "../labels.ts";
import type { Answers, Probabilities } from "../metrics/answers.ts";
import type { Places } from "../series.ts";

/** The version in production, and what it answered to the very rows that the candidate is judged on. */
export interface Production {
  version: string;
  modelDigest: Digest;
  /** Null when it cannot answer them; `reason` says why. */
  answered: Answered | null;
  reason: string | null;
}

/** A model's answers, row by row, as its own classes number them. */
export type Answered =
  | {
      task: "binary" | "multiclass";
      /** In the order of the numbers. */
      classes: readonly Label[];
      predicted: Places;
      /** One per class; null when the model gives none. */
      probabilities: Probabilities | null;
    }
  | {
      task: "regression";
      /** Numbers per row. */
      outputs: number;
      predicted: Float64Array;
    };

/** What of an evaluation another version is compared with. */
export function answeredOf({ classes, answers }: Pick<Evaluation, "classes" | "answers">): Answered {
  if (answers.task === "regression") {
    return { task: "regression", outputs: answers.outputs, predicted: answers.predicted };
  }
  const { task, predicted, probabilities } = answers;
  return { task, classes: classes ?? [], predicted, probabilities };
}

/** Answers that can be compared, or why not. */
export type Aligned = { answers: Answers; reason: null } | { answers: null; reason: string };

/**
 * Brings the answers of production into the candidate's order of classes, matched by label: two models
 * of one target may number the same classes differently. A class that only production knows becomes
 * "none of the classes"; one that it does not know gets the probability 0.
 */
export function align(candidate: Pick<Evaluation, "classes" | "answers">, production: Answered): Aligned {
  const { classes, answers: own } = candidate;
  const unlike = { answers: null, reason: `it does ${production.task}, the candidate ${own.task}` };
  if (production.task === "regression") {
    if (own.task !== "regression") return unlike;
    if (own.outputs === production.outputs && own.predicted.length === production.predicted.length)
      return { answers: { ...own, predicted: production.predicted }, reason: null };
    return { answers: null, reason: `it has ${production.outputs} outputs, the candidate ${own.outputs}` };
  }
  if (own.task === "regression") return unlike;
  if (production.predicted.length !== own.truth.length)
    return { answers: null, reason: "it answered other rows" };
  const places = Int32Array.from(production.classes, classFinder(classes ?? []));
  if (places.every((place) => place === -1)) {
    const theirs = showLabels(production.classes);
    return { answers: null, reason: `its classes are ${theirs}, none of which the candidate knows` };
  }
  const { predicted, probabilities } = production;
  return {
    answers: {
      ...own,
      predicted: Int32Array.from(predicted, (place) => places[place] ?? -1),
      probabilities: probabilities && moveColumns(probabilities, places, own.classes),
    },
    reason: null,
  };
}

/** The same probabilities, each in the column of its class. */
function moveColumns(probabilities: Probabilities, places: Int32Array, width: number): Float64Array {
  const rows = probabilities.length / places.length;
  const moved = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (const [from, to] of places.entries()) {
      if (to !== -1) moved[row * width + to] = probabilities[row * places.length + from] ?? 0;
    }
  }
  return moved;
}
