// Worlds with a known truth, for simulating how often intervals hold it: models that answer made-up rows.
import type { ClassAnswers, NumberAnswers } from "../../../src/validation/metrics/answers.ts";
import type { Stream } from "../../../src/validation/statistics/random.ts";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Answers of one model or, with the same rows, of a second one whose noise agrees by `agreement`. */
export interface World<Made> {
  name: string;
  make: (random: Stream, rows: number) => [Made, Made];
}

/** Two equally good binary models, a little overconfident; `share` of the rows is positive. */
export function binaryWorld(name: string, share: number, cut: number): World<ClassAnswers> {
  const prior = Math.log(share / (1 - share));
  const distance = 1.6;
  return {
    name,
    make(random, rows) {
      const truth = new Int32Array(rows);
      const models = [0, 1].map(() => ({
        predicted: new Int32Array(rows),
        probabilities: new Float64Array(2 * rows),
      }));
      for (let row = 0; row < rows; row++) {
        const is = random.uniform() < share ? 1 : 0;
        truth[row] = is;
        const common = random.normal();
        for (const { predicted, probabilities } of models) {
          const score = (is - 0.5) * distance + Math.SQRT1_2 * (common + random.normal());
          const chance = logistic(1.25 * score * distance + prior + 0.15);
          probabilities[2 * row] = 1 - chance;
          probabilities[2 * row + 1] = chance;
          predicted[row] = chance >= cut ? 1 : 0;
        }
      }
      return both(
        models.map((model) => ({ task: "binary", classes: 2, positive: 1, truth, ...model, weights: null })),
      );
    },
  };
}

/** Two equally good models of several classes with the given shares of the rows. */
export function classWorld(name: string, shares: readonly number[]): World<ClassAnswers> {
  const classes = shares.length;
  return {
    name,
    make(random, rows) {
      const truth = new Int32Array(rows);
      const models = [0, 1].map(() => ({
        predicted: new Int32Array(rows),
        probabilities: new Float64Array(classes * rows),
      }));
      for (let row = 0; row < rows; row++) {
        let [is, left] = [0, random.uniform()];
        while (is < classes - 1 && left >= (shares[is] ?? 0)) left -= shares[is++] ?? 0;
        truth[row] = is;
        const common = shares.map(() => random.normal());
        for (const { predicted, probabilities } of models) {
          const raw = shares.map((share, place) => {
            const noise = Math.SQRT1_2 * ((common[place] ?? 0) + random.normal());
            return share * Math.exp(1.2 * ((place === is ? 1.5 : 0) + noise));
          });
          const sum = raw.reduce((total, one) => total + one, 0);
          raw.forEach((one, place) => (probabilities[row * classes + place] = one / sum));
          predicted[row] = raw.indexOf(Math.max(...raw));
        }
      }
      return both(
        models.map((model) => ({ task: "multiclass", classes, positive: 0, truth, ...model, weights: null })),
      );
    },
  };
}

/** How the errors of a regressor scatter: a standard number that is drawn once per row. */
export const errors = {
  normal: (random: Stream) => random.normal(),
  /** Student's with 5 degrees of freedom, scaled to a variance of 1; heavy tails whose moments exist. */
  student: (random: Stream) => random.normal() * Math.sqrt(1.5 / random.gamma(2.5)),
};

/** Two equally good regressors of a skewed target. */
export function numberWorld(name: string, error: (random: Stream) => number): World<NumberAnswers> {
  return {
    name,
    make(random, rows) {
      const truth = new Float64Array(rows);
      const models = [0, 1].map(() => new Float64Array(rows));
      for (let row = 0; row < rows; row++) {
        const centre = 5 + random.gamma(4);
        truth[row] = Math.max(1, centre + 0.15 * 9 * error(random));
        for (const predicted of models) predicted[row] = centre * Math.exp(0.08 * random.normal());
      }
      return both(
        models.map((predicted) => ({ task: "regression", outputs: 1, truth, predicted, weights: null })),
      );
    },
  };
}

/** The same world with unequal weights that have to do with the truth: effectively about half the rows. */
export function weighted<Made extends ClassAnswers | NumberAnswers>({
  name,
  make,
}: World<Made>): World<Made> {
  return {
    name: `${name}, weighted`,
    make(random, rows) {
      const [first, second] = make(random, rows);
      const weights = Float64Array.from(first.truth, (is) => random.gamma(2) * (is > 0.5 ? 2 : 1));
      return [
        { ...first, weights },
        { ...second, weights },
      ];
    },
  };
}

function both<Made>(models: Made[]): [Made, Made] {
  const [first, second] = models;
  if (!first || !second) throw new Error("a world makes two models");
  return [first, second];
}
