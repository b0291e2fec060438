// What metrics are computed from: a model's answers beside the truth, in arrays.
import type { Places } from "../series.ts";

/** Chances of classes, row by row: in single precision where that holds every value that the model gave. */
export type Probabilities = Float32Array | Float64Array;

/** Answers of a classifier. Classes are numbered in the model's own order. */
export interface ClassAnswers {
  task: "binary" | "multiclass";
  /** How many classes the model knows. */
  classes: number;
  /** Number of the positive class; only a binary task has one. */
  positive: number;
  truth: Places;
  /** -1 where the model answered none of its classes. */
  predicted: Places;
  /** Row by row, one probability per class; null when the model gives none. */
  probabilities: Probabilities | null;
  /** Null when every row counts alike. */
  weights: Float64Array | null;
}

/** Answers of a regressor. */
export interface NumberAnswers {
  task: "regression";
  /** How many numbers a row has; truth and predictions hold them row by row. */
  outputs: number;
  truth: Float64Array;
  predicted: Float64Array;
  weights: Float64Array | null;
  /** The quantile that pinball loss judges, between 0 and 1; the median when it is not named. */
  quantile?: number | undefined;
}

export type Answers = ClassAnswers | NumberAnswers;

/** A metric's value, or why it has none. A value is always finite. */
export type Measured = { value: number; reason: null } | { value: null; reason: string };

/** A value, unless it is not a number: then the reason stands in its place. */
export function measured(value: number, reason = "it is not defined for these rows"): Measured {
  return Number.isFinite(value) ? { value, reason: null } : { value: null, reason };
}

/** No value, for a reason that ends the sentence "has no value: …". */
export function unmeasured(reason: string): Measured {
  return { value: null, reason };
}

/** The weight of a row. */
export function weightOf(weights: Float64Array | null, row: number): number {
  return weights ? (weights[row] ?? 0) : 1;
}

/** How many rows were answered. */
export function rowsOf(answers: Answers): number {
  return answers.task === "regression" ? answers.truth.length / answers.outputs : answers.truth.length;
}

/** Sum of the weights of all rows. */
export function totalWeight(answers: Answers): number {
  const { weights } = answers;
  return weights ? weights.reduce((sum, weight) => sum + weight, 0) : rowsOf(answers);
}
