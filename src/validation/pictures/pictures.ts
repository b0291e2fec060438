// What a report shows in pictures, from a model's answers: curves, calibration, confusion, residuals.
import type { Label } from "../../model/model.ts";
import type { Answers } from "../metrics/answers.ts";
import type { Calibration, Pictures } from "../report/pictures.ts";
import { calibrationOf } from "./calibration.ts";
import { confusionOf } from "./confusion-picture.ts";
import { curvesOf } from "./curves.ts";
import { residualsOf } from "./residuals.ts";

/** Answers with the words for them. */
export interface Pictured {
  answers: Answers;
  /** In the order of the probabilities; null for a regressor. */
  classes: readonly Label[] | null;
  /** What a regressor answers, one name per number. */
  outputs: readonly string[];
}

/** Draws what there is: a regressor has residuals, a classifier the rest. Weights count everywhere. */
export function picture({ answers, classes, outputs }: Pictured): {
  pictures: Pictures;
  calibration: Calibration | null;
} {
  if (answers.task === "regression") {
    const residuals = residualsOf(answers, outputs);
    return { pictures: { curves: [], confusion: null, residuals }, calibration: null };
  }
  const names = classes ?? [];
  const pictures = {
    curves: curvesOf(answers, names),
    confusion: confusionOf(answers, names),
    residuals: [],
  };
  return { pictures, calibration: calibrationOf(answers) };
}
