// Whether events come from the canary more often than its share: the likelihood ratio that FAIL is made of.

/** Odds ratios of canary against stable that the alternative mixes, with equal weight. */
export const odds = [1.5, 2, 4, 8, 16, 32, 64, 256, 1024];

/**
 * Log likelihood ratio of each odds ratio against equal odds, for one scrape. If both sides meet the
 * event equally often, one belongs to the canary with probability at most p, the canary's share of
 * everything counted, whatever the rate is: what hits both sides cancels. Against odds ratio ψ,
 * k canary events of e are ψ^k / (1 + (ψ - 1)p)^e times likelier. The count k is hypergeometric, and
 * the expectation of this convex function is at most that under the binomial (Hoeffding 1963,
 * theorem 4), so the product over scrapes and its mean over ψ are e-processes (Lindon and Malek,
 * "Anytime-valid inference for multinomial count data", NeurIPS 2022).
 * @param canary of `counted` things `events` had the event
 */
export function logOdds(
  canary: { counted: number; events: number },
  stable: { counted: number; events: number },
): number[] {
  const counted = canary.counted + stable.counted;
  const p = counted === 0 ? 0 : canary.counted / counted;
  const events = canary.events + stable.events;
  return odds.map((ratio) =>
    p === 0 ? 0 : canary.events * Math.log(ratio) - events * Math.log1p((ratio - 1) * p),
  );
}

/** The mixture's e-value, capped so that JSON can carry it. */
export function eValue(logs: number[]): number {
  const top = Math.max(...logs);
  const mean = logs.reduce((sum, log) => sum + Math.exp(log - top), 0) / logs.length;
  return Math.exp(Math.min(top + Math.log(mean), 700));
}
