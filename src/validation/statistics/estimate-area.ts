// How sure areas under the ROC curve, and average precision, are: also where a class has few rows.
import { type ClassAnswers, rowsOf } from "../metrics/answers.ts";
import { type Influence, standardError } from "./influence.ts";
import { type Estimate, freedomOf, leastRows } from "./linear-estimate.ts";
import { studentReach } from "./normal.ts";
import { boundsOn, logit } from "./scale.ts";
import { freedomOfClasses, leastAreaError, stretched } from "./within-classes.ts";

/**
 * Student's interval on the logit scale, of the scatter within classes. An area under the ROC curve of a
 * class of few rows reaches at least as far as {@link leastAreaError} under the normal law.
 * @param found influences of the rows that do scatter
 */
export function areaEstimate(found: Influence, answers: ClassAnswers, isRoc: boolean): Estimate {
  const { value } = found;
  const rows = stretched(found.rows, answers);
  const error = standardError(rows);
  const freedom = Math.min(freedomOf(rows), freedomOfClasses(rows, answers));
  const floor = isRoc ? leastAreaError(value, answers) : 0;
  return {
    value,
    method: isRoc ? "delong" : "influence",
    bounds(z) {
      if (rowsOf(answers) < leastRows) return null;
      return boundsOn(logit, value, error, Math.max(studentReach(z, freedom), (z * floor) / error));
    },
  };
}
