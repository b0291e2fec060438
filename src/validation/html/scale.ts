// Where numbers stand in a drawing: linear scales, and the round numbers that mark them.

/** Maps a number to a place in a drawing. */
export interface Scale {
  (value: number): number;
  readonly from: number;
  readonly to: number;
}

/** A place with one decimal: a tenth of a pixel is nothing that anyone sees. */
export const place = (value: number): number => Math.round(value * 10) / 10;

/** A linear scale; values outside its domain end at its ends. A domain of one number is widened. */
export function scaleOf(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const [low, high] = from < to ? [from, to] : [from - 0.5, from + 0.5];
  const scale = (value: number) => {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return place(start + share * (end - start));
  };
  return Object.assign(scale, { from: low, to: high });
}

/** Round numbers within a domain, about as many as wanted: steps of 1, 2 or 5 times a power of ten. */
export function ticksOf({ from, to }: Pick<Scale, "from" | "to">, wanted = 5): number[] {
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  if (!(step > 0) || !Number.isFinite(step)) return [from, to];
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  // Rounding to 12 digits may leave a domain that is narrower than that.
  const within = (tick: number) => Math.min(to, Math.max(from, tick));
  return Array.from({ length: last - first + 1 }, (_none, at) =>
    within(Number(((first + at) * step).toPrecision(12))),
  );
}

/** The smallest domain that holds all finite numbers of a list, with room on both sides. */
export function domainOf(values: readonly (number | null)[], room = 0.08): [number, number] {
  const finite = values.filter((value) => value !== null && Number.isFinite(value));
  if (finite.length === 0) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of finite) {
    low = Math.min(low, Number(value));
    high = Math.max(high, Number(value));
  }
  const margin = high > low ? (high - low) * room : Math.abs(high) * room || 0.5;
  return [low - margin, high + margin];
}
