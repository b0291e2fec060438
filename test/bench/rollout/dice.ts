// Random numbers of the simulations: seeded, so that two runs print the same table.

/** A small, fast, well mixed generator (mulberry32); uniform in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Successes of n trials; by waiting times between successes, so that rare errors are cheap. */
export function binomial(random: () => number, n: number, p: number): number {
  if (p <= 0 || n <= 0) return 0;
  if (p >= 1) return n;
  const logMiss = Math.log1p(-p);
  let count = 0;
  for (let at = 0; ; count += 1) {
    at += Math.floor(Math.log(1 - random()) / logMiss) + 1;
    if (at > n) return count;
  }
}
