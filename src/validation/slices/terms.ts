// How a column is cut into parts for the search of bad slices: its frequent values, or quarters of its rows.
import type { ColumnProfile } from "../report/profile.ts";
import { quoteName, quoteText } from "./predicate.ts";

/** A column cut into parts that do not overlap. */
export interface CutColumn {
  name: string;
  /** One SQL condition per part, over the column's real name. */
  terms: string[];
}

/** Values that are looked at one by one; a column with more is cut into quarters, or its rarer ones left alone. */
const mostValues = 12;

/** Cuts a column by its profile; fewer than two parts say nothing. */
export function cutColumn(profile: ColumnProfile): CutColumn {
  const name = quoteName(profile.name);
  const missing = profile.missing > 0 ? [`${name} is null`] : [];
  return { name: profile.name, terms: [...partsOf(profile, name), ...missing] };
}

function partsOf(profile: ColumnProfile, name: string): string[] {
  if (profile.kind === "numbers") {
    const { edges, counts } = profile;
    return ranges(name, quarters(edges.slice(0, -1), counts));
  }
  const { type, top, other } = profile;
  if (type === "string") return top.slice(0, mostValues).map(({ value }) => `${name} = ${quoteText(value)}`);
  if (type === "bool") return top.map(({ value }) => (value === "true" ? name : `not ${name}`));
  const numbers = top
    .map(({ value, count }) => ({ value: Number(value), count }))
    .toSorted((a, b) => a.value - b.value);
  if (numbers.length <= mostValues && other === 0) return numbers.map(({ value }) => `${name} = ${value}`);
  return ranges(
    name,
    quarters(
      numbers.map(({ value }) => value),
      numbers.map(({ count }) => count),
    ),
  );
}

/** The values at which a second, third and fourth quarter of the rows begin; fewer where values repeat. */
function quarters(starts: readonly number[], counts: readonly number[]): number[] {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const cuts = new Set<number>();
  let before = 0;
  for (const [place, count] of counts.entries()) {
    const start = starts[place];
    for (const share of [0.25, 0.5, 0.75]) {
      const at = share * all;
      // The bin that holds the quartile begins a part; the first bin begins the first one anyway.
      if (start !== undefined && place > 0 && before <= at && at < before + count) cuts.add(start);
    }
    before += count;
  }
  return [...cuts];
}

function ranges(name: string, cuts: readonly number[]): string[] {
  const [first] = cuts;
  if (first === undefined) return [];
  return [
    `${name} < ${first}`,
    ...cuts.map((cut, place) => {
      const next = cuts[place + 1];
      return next === undefined ? `${name} >= ${cut}` : `${name} >= ${cut} and ${name} < ${next}`;
    }),
  ];
}
