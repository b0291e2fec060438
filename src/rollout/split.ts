// VERIFY: whether the canary gets the share of requests that was set.

/**
 * Whether the share that a splitter has set is the one that was asked for. Weights and numbers of
 * servers are whole, so they differ by up to a twentieth, and by 0.1 percentage points at least.
 */
export function isInForce(asked: number, set: number): boolean {
  return Math.abs(asked - set) <= Math.max(1e-3, asked / 20);
}

/** What the counters say about the share that was set. */
export type Split = "too-few" | "verified" | "wrong";

/**
 * Compares the canary's requests with the share that was set. The tolerance is 4.5 binomial
 * standard deviations and two requests: a right split is called wrong in 7 of a million looks, and
 * a splitter that counts exactly is far inside. Nothing is verified before three canary requests
 * were to be expected and one arrived; none where 24 were to be expected is wrong.
 * @param users requests of users since the share was set, whoever answered
 */
export function compareSplit(users: number, canary: number, share: number): Split {
  const expected = users * share;
  const tolerance = 4.5 * Math.sqrt(expected * (1 - share)) + 2;
  if (Math.abs(canary - expected) > tolerance) return "wrong";
  return expected >= 3 && canary > 0 ? "verified" : "too-few";
}
