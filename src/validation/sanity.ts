// Signs that a model is broken, whatever its metrics say.
import type { Label } from "../model/model.ts";

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
  predictions: readonly Label[];
  /** The classes that the model may answer; null for a regressor. */
  classes: number | null;
  /** Predictions that are none of the classes. */
  strangers: readonly Label[];
  probabilities: Float64Array | null;
}

/** Looks for answers that no working model gives. */
export function inspectAnswers(answers: RawAnswers): Finding[] {
  return [...inspectPredictions(answers), ...inspectProbabilities(answers)];
}

function inspectPredictions({ predictions, strangers }: RawAnswers): Finding[] {
  const findings: Finding[] = [];
  const broken = predictions.filter((label) => typeof label === "number" && !Number.isFinite(label)).length;
  const strange = strangers.filter((label) => typeof label !== "number" || Number.isFinite(label));
  if (broken > 0) {
    findings.push({
      code: "predictions.non-finite",
      severity: "fail",
      what: `${count(broken, "prediction")} of ${predictions.length} are not finite numbers`,
      fix: "look for missing values, divisions by zero or overflow in the model's preprocessing",
    });
  }
  if (strange.length > 0) {
    findings.push({
      code: "predictions.unknown-class",
      severity: "fail",
      what: `${count(strange.length, "prediction")} of ${predictions.length} are none of the model's classes, the first is ${JSON.stringify(strange[0])}`,
      fix: "check that the handler's postprocess and the model agree on the labels",
    });
  }
  if (predictions.length > 1 && new Set(predictions).size === 1) {
    findings.push({
      code: "predictions.constant",
      severity: "warn",
      what: `every prediction is ${JSON.stringify(predictions[0])}`,
      fix: "check that the columns reach the model in the order and scale that it was trained with",
    });
  }
  return findings;
}

function inspectProbabilities({ probabilities, classes }: RawAnswers): Finding[] {
  if (!probabilities || !classes) return [];
  const [rows, bad] = [probabilities.length / classes, { finite: 0, range: 0, sum: 0 }];
  for (let row = 0; row < rows; row++) {
    const chances = probabilities.subarray(row * classes, (row + 1) * classes);
    const sum = chances.reduce((total, chance) => total + chance, 0);
    if (!chances.every(Number.isFinite)) bad.finite++;
    else if (chances.some((chance) => chance < 0 || chance > 1 + sumTolerance)) bad.range++;
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
