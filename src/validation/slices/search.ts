// Searches for parts of the rows where a model is worse: one column, then two at once; pure arithmetic.
import { benjaminiHochberg } from "../statistics/multiplicity.ts";
import { upperTail } from "../statistics/normal.ts";

/** Rows cut by one column. */
export interface CodedColumn {
  /** The part that each row is in; 255 for none. */
  codes: Uint8Array;
  parts: number;
}

/** Parts of columns that a row must be in all of: one or two. */
export interface Term {
  column: number;
  part: number;
}

/** A part of the rows where losses are larger than in the rest. */
export interface WorsePart {
  terms: Term[];
  rows: number;
  /** One-sided; of losses this much larger by chance. */
  p: number;
  /** Adjusted by Benjamini and Hochberg over all parts that were looked at. */
  pAdjusted: number;
}

/** A share of the parts named is expected to be wrong. */
const falseDiscoveries = 0.05;
/** Losses have to be larger by a fifth to be worth a person's time. */
const leastRatio = 1.2;
/** Rows of a part: at least 30, and one in a hundred. */
const fewestRows = (rows: number) => Math.max(30, rows / 100);
/** Standard errors by which two columns together must be worse than either alone. */
const beyondParents = 2;
/** Additions that pairs of columns may cost: some hundredths of a second. */
const budget = 6_000_000;
/** Parts that share so many of their rows are one finding. */
const mostOverlap = 0.8;
/** Rows, evenly over the table, that show how much two parts share. */
const compared = 5000;
const mostFound = 10;

/** Sums over the rows of a part. */
interface Sums {
  rows: number;
  sum: number;
  squares: number;
}

interface Candidate extends Sums {
  terms: Term[];
  z: number;
}

/** The worst parts, worst first, at most ten. @param losses one per row, not negative: 1 for an error. */
export function searchSlices(losses: Float64Array, columns: readonly CodedColumn[]): WorsePart[] {
  const total = sumsOf(losses);
  const least = fewestRows(losses.length);
  const singles = columns.map((column, place) => countSingle(losses, column, place, total));
  const seen = singles.flat().filter(({ rows }) => rows >= least && losses.length - rows >= least);
  for (const [first, second] of pairsWithin(singles, losses.length)) {
    const [a, b] = [columns[first], columns[second]];
    if (!a || !b) continue;
    const pairs = countPairs(losses, [a, b], [first, second], total);
    seen.push(...pairs.filter(({ rows }) => rows >= least && losses.length - rows >= least));
  }
  const ps = seen.map(({ z }) => upperTail(z));
  const adjusted = benjaminiHochberg(ps);
  const worse = seen
    .map((one, place) => ({ ...one, p: ps[place] ?? 1, pAdjusted: adjusted[place] ?? 1 }))
    .filter((one) => one.pAdjusted <= falseDiscoveries && ratioOf(one, total) >= leastRatio)
    .filter((one) => one.terms.length === 1 || isBeyondParents(one, singles))
    .toSorted((a, b) => b.z - a.z || a.terms.length - b.terms.length);
  return withoutDuplicates(worse, columns, losses.length).map(({ terms, rows, p, pAdjusted }) => {
    return { terms, rows, p, pAdjusted };
  });
}

function sumsOf(losses: Float64Array): Sums {
  let [sum, squares] = [0, 0];
  for (let row = 0; row < losses.length; row++) {
    const loss = losses[row] ?? 0;
    sum += loss;
    squares += loss * loss;
  }
  return { rows: losses.length, sum, squares };
}

function countSingle(
  losses: Float64Array,
  { codes, parts }: CodedColumn,
  column: number,
  total: Sums,
): Candidate[] {
  return sumUp(losses, codes, parts).map((sums, part) => {
    return { terms: [{ column, part }], ...sums, z: distance(sums, without(total, sums)) };
  });
}

function countPairs(
  losses: Float64Array,
  [a, b]: readonly [CodedColumn, CodedColumn],
  [first, second]: readonly [number, number],
  total: Sums,
): Candidate[] {
  const [left, right] = [a.codes, b.codes];
  // Room for every byte behind its parts, so that a code that is none needs no branch of its own.
  const width = b.parts + 1;
  const size = (a.parts + 1) * width;
  const [rows, sums, squares] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let row = 0; row < losses.length; row++) {
    const cell = Math.min(left[row] ?? 0, a.parts) * width + Math.min(right[row] ?? 0, b.parts);
    const loss = losses[row] ?? 0;
    rows[cell] = (rows[cell] ?? 0) + 1;
    sums[cell] = (sums[cell] ?? 0) + loss;
    squares[cell] = (squares[cell] ?? 0) + loss * loss;
  }
  return Array.from({ length: a.parts * b.parts }, (_none, pair) => {
    const [one, other] = [Math.floor(pair / b.parts), pair % b.parts];
    const cell = one * width + other;
    const part = { rows: rows[cell] ?? 0, sum: sums[cell] ?? 0, squares: squares[cell] ?? 0 };
    const terms = [
      { column: first, part: one },
      { column: second, part: other },
    ];
    return { terms, ...part, z: distance(part, without(total, part)) };
  });
}

/** The sums of each part. A code that is no part is counted beside them and left out. */
function sumUp(losses: Float64Array, codes: Uint8Array, parts: number): Sums[] {
  const size = 256;
  const [rows, sums, squares] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let row = 0; row < losses.length; row++) {
    const part = codes[row] ?? 0;
    const loss = losses[row] ?? 0;
    rows[part] = (rows[part] ?? 0) + 1;
    sums[part] = (sums[part] ?? 0) + loss;
    squares[part] = (squares[part] ?? 0) + loss * loss;
  }
  return Array.from({ length: parts }, (_none, part) => {
    return { rows: rows[part] ?? 0, sum: sums[part] ?? 0, squares: squares[part] ?? 0 };
  });
}

function without(all: Sums, part: Sums): Sums {
  return { rows: all.rows - part.rows, sum: all.sum - part.sum, squares: all.squares - part.squares };
}

/** Standard errors by which the mean loss of one part is above another's (Welch). */
function distance(a: Sums, b: Sums): number {
  if (a.rows < 2 || b.rows < 2) return 0;
  const spread = Math.sqrt(varianceOfMean(a) + varianceOfMean(b));
  const difference = a.sum / a.rows - b.sum / b.rows;
  return spread > 0 ? difference / spread : difference > 0 ? 38 : 0;
}

function varianceOfMean({ rows, sum, squares }: Sums): number {
  return Math.max(0, squares - (sum * sum) / rows) / (rows - 1) / rows;
}

function ratioOf(part: Sums, total: Sums): number {
  const rest = without(total, part);
  const [own, other] = [part.sum / part.rows, rest.sum / rest.rows];
  return other > 0 ? own / other : own > 0 ? Number.POSITIVE_INFINITY : 1;
}

/**
 * Pairs of columns that the budget has room for: of those columns that tell the losses apart best, with
 * ties in the order of the file, so that the same data give the same pairs.
 */
function pairsWithin(singles: readonly Candidate[][], rows: number): [number, number][] {
  const strength = singles.map((parts) => Math.max(0, ...parts.map(({ z }) => z)));
  const ordered = singles
    .map((_parts, place) => place)
    .toSorted((a, b) => (strength[b] ?? 0) - (strength[a] ?? 0) || a - b);
  const pairs = Math.floor(budget / Math.max(1, rows));
  const columns = Math.floor((1 + Math.sqrt(1 + 8 * pairs)) / 2);
  const chosen = ordered.slice(0, columns).toSorted((a, b) => a - b);
  return chosen.flatMap((first, at) =>
    chosen.slice(at + 1).map((second): [number, number] => [first, second]),
  );
}

/** Whether both columns are needed: the part is worse than what else is in either of its two columns' parts. */
function isBeyondParents(child: Candidate, singles: readonly Candidate[][]): boolean {
  return child.terms.every(({ column, part }) => {
    const parent = singles[column]?.[part];
    return parent !== undefined && distance(child, without(parent, child)) >= beyondParents;
  });
}

function withoutDuplicates<One extends Candidate>(
  worse: readonly One[],
  columns: readonly CodedColumn[],
  count: number,
): One[] {
  const kept: { one: One; rows: Uint8Array }[] = [];
  // Beyond some hundred, all are shadows of the first ones.
  for (const one of worse.slice(0, 300)) {
    if (kept.length === mostFound) break;
    if (kept.some((other) => isNested(one.terms, other.one.terms))) continue;
    const rows = membersOf(one.terms, columns, count);
    if (kept.some((other) => overlap(rows, other.rows) > mostOverlap)) continue;
    kept.push({ one, rows });
  }
  return kept.map(({ one }) => one);
}

function isNested(a: readonly Term[], b: readonly Term[]): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  return short.every((term) => long.some(({ column, part }) => column === term.column && part === term.part));
}

/** Which of the compared rows are in a part. */
function membersOf(terms: readonly Term[], columns: readonly CodedColumn[], count: number): Uint8Array {
  const stride = Math.max(1, Math.ceil(count / compared));
  const members = new Uint8Array(Math.ceil(count / stride)).fill(1);
  for (const { column, part } of terms) {
    const codes = columns[column]?.codes;
    for (let at = 0; at < members.length; at++) if (codes?.[at * stride] !== part) members[at] = 0;
  }
  return members;
}

/** Rows in both, as a share of the rows in either. */
function overlap(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let row = 0; row < a.length; row++) {
    both += (a[row] ?? 0) & (b[row] ?? 0);
    either += (a[row] ?? 0) | (b[row] ?? 0);
  }
  return either === 0 ? 0 : both / either;
}
