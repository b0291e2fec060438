// The normal law: its density, tails and quantiles, to the last few digits.

/** Density of the standard normal law. */
export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * Probability that a standard normal number is above `x`. A series near the middle, Laplace's continued
 * fraction in the tail (Abramowitz and Stegun 26.2.11 and 26.2.14), so that a tail of 1e-30 has all its
 * digits, too.
 */
export function upperTail(x: number): number {
  if (x < 0) return 1 - upperTail(-x);
  if (x < 2.5) {
    let [term, sum] = [x, x];
    for (let odd = 3; Math.abs(term) > 1e-18; odd += 2) {
      term *= (x * x) / odd;
      sum += term;
    }
    return 0.5 - normalDensity(x) * sum;
  }
  if (x > 38) return 0;
  let fraction = x;
  for (let place = 120; place > 0; place--) fraction = x + place / fraction;
  return normalDensity(x) / fraction;
}

/**
 * The number that a standard normal one is above with probability `tail`, 0 < tail < 1: a rational
 * approximation (Abramowitz and Stegun 26.2.23), then Halley's steps to the last digit.
 */
export function upperQuantile(tail: number): number {
  if (tail > 0.5) return -upperQuantile(1 - tail);
  const root = Math.sqrt(-2 * Math.log(tail));
  let x =
    root -
    (2.515517 + 0.802853 * root + 0.010328 * root ** 2) /
      (1 + 1.432788 * root + 0.189269 * root ** 2 + 0.001308 * root ** 3);
  for (let step = 0; step < 3; step++) {
    const ratio = (upperTail(x) - tail) / normalDensity(x);
    x += ratio / (1 - (x * ratio) / 2);
  }
  return x;
}

/** Half-width, in standard errors, of a two-sided interval of a level: 1.96 for 0.95. */
export function criticalValue(level: number): number {
  return upperQuantile((1 - level) / 2);
}

/** Probability that a standard normal number is at least as far from 0 as `z`. */
export function twoSided(z: number): number {
  return Math.min(1, 2 * upperTail(Math.abs(z)));
}

/**
 * How far a Student's t number reaches that is as improbable as a normal one beyond `z` (the expansion
 * of Abramowitz and Stegun 26.7.5; good to a few per cent from 4 degrees of freedom on).
 */
export function studentReach(z: number, freedom: number): number {
  const v = Math.max(freedom, 4);
  return (
    z +
    (z ** 3 + z) / (4 * v) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * v ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * v ** 3)
  );
}

/** Two-sided probability of a Student's t number at least as far from 0 as `t`; agrees with {@link studentReach}. */
export function studentTwoSided(t: number, freedom: number): number {
  let [near, far] = [0, 40];
  for (let step = 0; step < 60; step++) {
    const z = (near + far) / 2;
    if (studentReach(z, freedom) >= Math.abs(t)) far = z;
    else near = z;
  }
  return twoSided(near);
}
