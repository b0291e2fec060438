// Many tests at once: probabilities adjusted so that some of many good things do not look bad by chance.

/** Places of the probabilities, smallest first. */
const ascending = (ps: readonly number[]) =>
  ps.map((_p, place) => place).sort((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0) || a - b);

/**
 * Holm's adjusted probabilities: refusing all that are ≤ α is wrong about any of them with probability
 * at most α, however the tests depend on each other (Holm, 1979).
 */
export function holm(ps: readonly number[]): number[] {
  const adjusted = Array.from(ps, () => 1);
  let highest = 0;
  for (const [rank, place] of ascending(ps).entries()) {
    highest = Math.max(highest, Math.min(1, (ps[place] ?? 1) * (ps.length - rank)));
    adjusted[place] = highest;
  }
  return adjusted;
}

/**
 * Benjamini and Hochberg's adjusted probabilities (1995): of all that are ≤ q, a share of at most q is
 * expected to be wrong. For advice, not for gates.
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const adjusted = Array.from(ps, () => 1);
  let lowest = 1;
  for (const [rank, place] of [...ascending(ps).entries()].toReversed()) {
    lowest = Math.min(lowest, ((ps[place] ?? 1) * ps.length) / (rank + 1));
    adjusted[place] = lowest;
  }
  return adjusted;
}
