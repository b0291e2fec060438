// Signs that a model is broken, whatever its metrics say.
import type { Probabilities } from "./metrics/answers.ts";
import { showLabel } from "./labels.ts";
import type { Places, Series } from "./series.ts";

/** Something seen in the answers. `fail` fails the verdict, `warn` does not. */
export interface Finding {
  /** Stable, dotted, lower case: `predictions.constant`. */
  code: string;
  severity: "fail" | "warn";
  what: string;
  fix: string;
}

/** How far from 1 the probabilities of a row may sum: float32 arithmetic over some hundred classes. */
const sumTolerance = 1e-6;

/** Answers as they came, with the probabilities row by row. */
export interface RawAnswers {
  predictions: Series;
  /** The classes that the model may answer; null for a regressor. */
  classes: number | null;
  /** The classes of the predictions, -1 for none of them; null for a regressor. */
  own: Places | null;
  probabilities: Probabilities | null;
}

/** Looks for answers that no working model gives. */
export function inspectAnswers(answers: RawAnswers): Finding[] {
  return [...inspectPredictions(answers), ...inspectProbabilities(answers)];
}

function inspectPredictions({ predictions, own }: RawAnswers): Finding[] {
  const findings: Finding[] = [];
  const [broken, strange] = countOdd(predictions, own);
  if (broken > 0) {
    findings.push({
      code: "predictions.non-finite",
      severity: "fail",
      what: `${count(broken, "prediction")} of ${predictions.length} are not finite numbers`,
      fix: "look for missing values, divisions by zero or overflow in the model's preprocessing",
    });
  }
  if (strange.rows > 0) {
    findings.push({
      code: "predictions.unknown-class",
      severity: "fail",
      what: `${count(strange.rows, "prediction")} of ${predictions.length} are none of the model's classes, the first is ${showLabel(predictions.at(strange.first))}`,
      fix: "check that the handler's postprocess and the model agree on the labels",
    });
  }
  if (predictions.length > 1 && predictions.distinct(1).length === 1) {
    findings.push({
      code: "predictions.constant",
      severity: "warn",
      what: `every prediction is ${showLabel(predictions.at(0))}`,
      fix: "check that the columns reach the model in the order and scale that it was trained with",
    });
  }
  return findings;
}

/** Predictions that are no finite numbers, and those that are no class of the model. */
function countOdd(predictions: Series, own: Places | null) {
  const [isOdd, strange] = [(value: number) => !Number.isFinite(value), { rows: 0, first: -1 }];
  if (own === null) return [predictions.numbers().filter(isOdd).length, strange] as const;
  let broken = 0;
  for (let row = 0; row < own.length; row++) {
    if (own[row] !== -1) continue;
    const label = predictions.at(row);
    if (typeof label === "number" && isOdd(label)) broken++;
    else if (strange.rows++ === 0) strange.first = row;
  }
  return [broken, strange] as const;
}

function inspectProbabilities({ probabilities, classes }: RawAnswers): Finding[] {
  if (!probabilities || !classes) return [];
  const [rows, bad] = [probabilities.length / classes, { finite: 0, range: 0, sum: 0 }];
  for (let row = 0; row < rows; row++) {
    let [sum, isWithin] = [0, true];
    for (let place = row * classes; place < (row + 1) * classes; place++) {
      const chance = probabilities[place] ?? 0;
      sum += chance;
      isWithin &&= chance >= 0 && chance <= 1 + sumTolerance;
    }
    // A sum is finite when all of its terms are.
    if (!Number.isFinite(sum)) bad.finite++;
    else if (!isWithin) bad.range++;
    else if (Math.abs(sum - 1) > sumTolerance) bad.sum++;
  }
  const findings: Finding[] = [];
  const add = (code: string, times: number, what: string, fix: string) => {
    if (times === 0) return;
    findings.push({
      code,
      severity: "fail",
      what: `the probabilities of ${count(times, "row")} of ${rows} ${what}`,
      fix,
    });
  };
  add(
    "probabilities.non-finite",
    bad.finite,
    "are not finite numbers",
    "look for overflow, or for missing values in the input",
  );
  add(
    "probabilities.range",
    bad.range,
    "are not between 0 and 1",
    "return probabilities, not scores or log-odds",
  );
  add(
    "probabilities.sum",
    bad.sum,
    "do not sum to 1",
    "return one probability per class, and normalise them",
  );
  return findings;
}

const count = (times: number, noun: string) => `${times} ${noun}${times === 1 ? "" : "s"}`;
