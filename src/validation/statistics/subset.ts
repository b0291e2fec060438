// The answers to some of the rows, for slices and groups.
import type { Answers, Probabilities } from "../metrics/answers.ts";

/** Answers of the rows, in that order. `rows` are row numbers from 0. */
export function subsetOf(answers: Answers, rows: Int32Array): Answers {
  const { truth, predicted, weights } = answers;
  if (answers.task === "regression") {
    const { outputs } = answers;
    return {
      ...answers,
      truth: picked(answers.truth, rows, outputs),
      predicted: picked(answers.predicted, rows, outputs),
      weights: weights && picked(weights, rows, 1),
    };
  }
  return {
    ...answers,
    truth: rows.map((row) => truth[row] ?? 0),
    predicted: rows.map((row) => predicted[row] ?? -1),
    probabilities: answers.probabilities && picked(answers.probabilities, rows, answers.classes),
    weights: weights && picked(weights, rows, 1),
  };
}

function picked(values: Probabilities, rows: Int32Array, width: number): Float64Array {
  const some = new Float64Array(rows.length * width);
  for (let place = 0; place < rows.length; place++) {
    const from = (rows[place] ?? 0) * width;
    for (let column = 0; column < width; column++)
      some[place * width + column] = values[from + column] ?? Number.NaN;
  }
  return some;
}
