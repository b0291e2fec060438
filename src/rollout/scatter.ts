// How much less than it seems one scrape may say where requests come and fail together.

/** Most that the log e-value of one scrape may add: a single stall or batch must not convict. */
const mostPerScrape = Math.log(10);

/**
 * E-value from which a canary is doubted, though not shown to be bad: the most that one scrape may say.
 * A good one gets there with probability 0.1 at most (Ville), and falls below it as scrapes go by.
 */
export const seeming = 10;

/** Each scrape forgets this much of the ones before: about twenty of them count. */
export const memory = 0.95;

/** Squared Pearson residuals of stable's counts against what its earlier scrapes let expect. */
export interface Scatter {
  sum: number;
  weight: number;
}

/** Before anything is known twice the binomial variance is taken, with the weight of four scrapes. */
export function beginScatter(): Scatter {
  return { sum: 8, weight: 4 };
}

/** Adds k of n counts where the rate p was expected. */
export function addToScatter(scatter: Scatter, n: number, k: number, p: number): Scatter {
  const variance = n * p * (1 - p);
  if (variance <= 0) return scatter;
  return {
    sum: memory * scatter.sum + (k - n * p) ** 2 / variance,
    weight: memory * scatter.weight + 1,
  };
}

/**
 * The log e-value of one scrape, divided by the scatter that stable showed in earlier scrapes and
 * capped. Both keep it an e-value: for d ≥ 1 the d-th root of one has expectation 1 at most (Jensen),
 * and so has what is below one. Dividing is the quasi-likelihood answer to counts that vary more than
 * binomial ones, since slow requests and rows of one client come in clusters.
 */
export function temper(log: number, scatter: Scatter): number {
  return Math.min(log / Math.max(1, scatter.sum / scatter.weight), mostPerScrape);
}
