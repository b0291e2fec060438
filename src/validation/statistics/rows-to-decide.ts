// How many rows would decide a gate that these rows do not.

/** An undecided gate: the interval around `value` holds `required`. */
export interface Undecided {
  value: number;
  ci: { lo: number; hi: number };
  /** Rows that the interval was made from. */
  n: number;
  required: number;
  /** `min`: the value should be at least `required`; `max`: at most. */
  side: "min" | "max";
}

/**
 * Rows, these included, from which on the interval would leave the bound on one side if they are like
 * these: an interval shrinks with the square root of the rows. Null when no number would, because the
 * value is the bound itself, or it is beyond 1e12. A gate that is decided already needs no more than `n`.
 */
export function rowsToDecide({ value, ci, n, required, side }: Undecided): number | null {
  const margin = Math.abs(value - required);
  const good = side === "min" ? value > required : value < required;
  // A good value has to clear the bound with its near end, a bad one with the other.
  const lower = (side === "min") === good;
  const reach = lower ? value - ci.lo : ci.hi - value;
  if (!(margin > 0) || !Number.isFinite(reach) || reach < 0) return null;
  const rows = Math.ceil(n * (reach / margin) ** 2 * (1 - 1e-12));
  return rows > 1e12 ? null : Math.max(n, rows);
}
