// How sure areas under the ROC curve, and average precision, are: also where a class has few rows.
import { type ClassAnswers, rowsOf } from "../metrics/answers.ts";
import { type Influence, standardError } from "./influence.ts";
import { type Estimate, freedomOf, leastRows } from "./linear-estimate.ts";
import { studentReach } from "./normal.ts";
import { type Bounds, boundsOn, logit } from "./scale.ts";
import { freedomOfClasses, hasSmallClass, modelledVariance, stretched } from "./within-classes.ts";

/**
 * Student's interval on the logit scale, of the scatter within classes; for an area under the ROC curve
 * with a class of few rows {@link fewRowsEstimate}.
 * @param found influences of the rows that do scatter
 */
export function areaEstimate(found: Influence, answers: ClassAnswers, isRoc: boolean): Estimate {
  if (isRoc && hasSmallClass(answers)) return fewRowsEstimate(found, answers);
  const { value } = found;
  const rows = stretched(found.rows, answers);
  const error = standardError(rows);
  const freedom = Math.min(freedomOf(rows), freedomOfClasses(rows, answers));
  return {
    value,
    method: isRoc ? "delong" : "influence",
    bounds: (z) =>
      rowsOf(answers) < leastRows ? null : boundsOn(logit, value, error, studentReach(z, freedom)),
  };
}

/**
 * The areas that are not refused at the value seen, with the variance that each would have (Newcombe's
 * method 5, 2006). A few rows show too little scatter just when the area came out too high, and the model
 * of Newcombe's variance may be wrong, so its size is the mean of the modelled one and DeLong's (as
 * moderated variances are; Smyth, 2004), and never less than DeLong's. The modelled half does not scatter,
 * which leaves the mean more degrees of freedom (Satterthwaite, 1946).
 */
function fewRowsEstimate({ value, rows: influences }: Influence, answers: ClassAnswers): Estimate {
  const rows = stretched(influences, answers);
  const variance = modelledVariance(answers);
  const ratio = standardError(rows) ** 2 / variance(value);
  const size = Math.max(ratio, (1 + ratio) / 2);
  const freedom = freedomOfClasses(rows, answers) * (1 + 1 / ratio) ** 2;
  return {
    value,
    method: "newcombe",
    bounds: (z) =>
      rowsOf(answers) < leastRows
        ? null
        : scoreBounds(value, (at) => size * variance(at), studentReach(z, freedom)),
  };
}

/** All shares within `reach` standard errors, each with its own, of the one seen. */
function scoreBounds(seen: number, variance: (at: number) => number, reach: number): Bounds {
  const end = (to: number) => {
    let [within, beyond] = [seen, to];
    for (let step = 0; step < 60; step++) {
      const middle = (within + beyond) / 2;
      if ((seen - middle) ** 2 <= reach ** 2 * variance(middle)) within = middle;
      else beyond = middle;
    }
    return within;
  };
  return { lo: end(0), hi: end(1) };
}
