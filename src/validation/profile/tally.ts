// Counts of values by name: the most frequent ones, and the others together.

/** How often each value comes. */
export interface Tally {
  /** Most frequent first; ties in the order of their UTF-8 bytes. */
  top: { value: string; count: number }[];
  other: number;
  distinct: number;
}

/** A country has its place among 50 values; a customer's number has not, whatever the limit. */
export const mostNamed = 50;

/** Names the most frequent values. @param counts how often each value comes, at least once. */
export function tallyOf(counts: ReadonlyMap<string, number>): Tally {
  const all = [...counts].map(([value, count]) => ({ value, count }));
  const top = all.toSorted((a, b) => b.count - a.count || compareBytes(a.value, b.value)).slice(0, mostNamed);
  const sum = (part: readonly { count: number }[]) => part.reduce((total, { count }) => total + count, 0);
  return { top, other: sum(all) - sum(top), distinct: all.length };
}

/** As DuckDB compares text. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Counts numbers that stand for something, such as 0 and 1, or grades; null when there are more than 50
 * different ones, or when most of them are too rare to be categories: fewer than ten rows each on average.
 */
export function tallyNumbers(values: Float64Array): Tally | null {
  const counts = new Map<number, number>();
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? Number.NaN;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size > mostNamed) return null;
  }
  if (counts.size * 10 > values.length) return null;
  return tallyOf(new Map([...counts].map(([value, count]) => [String(value), count])));
}
