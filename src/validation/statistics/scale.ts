// Scales on which estimates scatter more evenly than on their own, and intervals made on them.

/** Two ends of an interval. */
export interface Bounds {
  lo: number;
  hi: number;
}

/** A change of variable: there, its slope there, and back. */
export interface Scale {
  to: (value: number) => number;
  slope: (value: number) => number;
  from: (value: number) => number;
}

/** For shares, from 0 to 1. */
export const logit: Scale = {
  to: (value) => Math.log(value / (1 - value)),
  slope: (value) => 1 / (value * (1 - value)),
  from: (value) => 1 / (1 + Math.exp(-value)),
};

/** For correlations, from −1 to 1 (Fisher, 1915). */
export const fisher: Scale = {
  to: Math.atanh,
  slope: (value) => 1 / (1 - value * value),
  from: Math.tanh,
};

/** For errors, from 0 up. */
export const logarithm: Scale = { to: Math.log, slope: (value) => 1 / value, from: Math.exp };

/** For shares explained, from −∞ to 1: the logarithm of the share that is not. */
export const unexplained: Scale = {
  to: (value) => -Math.log1p(-value),
  slope: (value) => 1 / (1 - value),
  from: (value) => -Math.expm1(-value),
};

/** The value ± `reach` standard errors on a scale; null at the scale's end, or without any scatter. */
export function boundsOn(scale: Scale, value: number, error: number, reach: number): Bounds | null {
  const [at, half] = [scale.to(value), reach * error * scale.slope(value)];
  const [lo, hi] = [scale.from(at - half), scale.from(at + half)];
  return error > 0 && Number.isFinite(lo) && Number.isFinite(hi) ? { lo, hi } : null;
}
