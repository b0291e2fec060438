// Bins of equal count: exact quantiles of many numbers without sorting them all.

/** Numbers in bins. `edges` ascend; bin i holds edges[i] ≤ x < edges[i + 1], the last one its upper edge too. */
export interface Bins {
  edges: number[];
  counts: number[];
}

/** 128 bins: each holds 0.8 % of the values, fine enough to see a tail move. */
const mostBins = 128;
/** Cells of a first, coarse count. Only those that hold an edge are sorted. */
const cells = 1 << 14;

/**
 * Bins whose edges are values themselves: the ones of ranks i · (n − 1) / 128, rounded down. Edges that
 * repeat count once. The same values give the same bins in any order.
 * @param values finite numbers, not changed; none gives no edges, and equal ones give one bin of width 0.
 */
export function binsOf(values: Float64Array): Bins {
  const { length } = values;
  if (length === 0) return { edges: [], counts: [] };
  const ranks = Array.from({ length: mostBins + 1 }, (_none, bin) =>
    Math.floor((bin * (length - 1)) / mostBins),
  );
  const { edges, below } = edgesAt(values, ranks);
  const [only = 0] = edges;
  if (edges.length === 1) return { edges: [only, only], counts: [length] };
  const counts = edges
    .slice(0, -1)
    .map((_edge, bin) => (bin === edges.length - 2 ? length : (below[bin + 1] ?? 0)) - (below[bin] ?? 0));
  return { edges, counts };
}

/** The different values at these ranks, and how many values are less than each. */
function edgesAt(values: Float64Array, ranks: readonly number[]): { edges: number[]; below: number[] } {
  const cellOf = cellsOf(values);
  const starts = startsOf(cellOf);
  const sorted = sortCells(values, cellOf, starts, new Set(ranks.map((rank) => cellHolding(starts, rank))));
  const [edges, below]: [number[], number[]] = [[], []];
  for (const rank of ranks) {
    const cell = cellHolding(starts, rank);
    // Minus zero is zero: JSON has one of them only.
    const edge = (sorted[rank] ?? 0) + 0;
    if (edges.at(-1) === edge) continue;
    edges.push(edge);
    below.push(firstFrom(sorted, starts[cell] ?? 0, rank, edge));
  }
  return { edges, below };
}

/** The cell of each value: a greater value is never in a lower one. */
function cellsOf(values: Float64Array): Uint16Array {
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const cellOf = new Uint16Array(values.length);
  const scale = (cells - 1) / (high - low);
  // Too wide or too narrow for floating point: all in one cell, which is then sorted whole.
  if (!(scale > 0 && Number.isFinite(scale))) return cellOf;
  for (let row = 0; row < values.length; row++) cellOf[row] = ((values[row] ?? 0) - low) * scale;
  return cellOf;
}

/** Rank of each cell's first value; one more for the end. */
function startsOf(cellOf: Uint16Array): Uint32Array {
  const starts = new Uint32Array(cells + 1);
  for (let row = 0; row < cellOf.length; row++) {
    const next = (cellOf[row] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let cell = 0; cell < cells; cell++) starts[cell + 1] = (starts[cell + 1] ?? 0) + (starts[cell] ?? 0);
  return starts;
}

/** Values of the wanted cells at their ranks; the other places are zero. */
function sortCells(
  values: Float64Array,
  cellOf: Uint16Array,
  starts: Uint32Array,
  wanted: ReadonlySet<number>,
): Float64Array {
  const sorted = new Float64Array(values.length);
  const next = new Int32Array(cells).fill(-1);
  for (const cell of wanted) next[cell] = starts[cell] ?? 0;
  for (let row = 0; row < values.length; row++) {
    const cell = cellOf[row] ?? 0;
    const at = next[cell] ?? -1;
    if (at < 0) continue;
    sorted[at] = values[row] ?? 0;
    next[cell] = at + 1;
  }
  for (const cell of wanted) sorted.subarray(starts[cell], starts[cell + 1]).sort();
  return sorted;
}

/** The cell whose values have this rank among them. */
function cellHolding(starts: Uint32Array, rank: number): number {
  let [low, high] = [0, cells];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= rank) low = middle;
    else high = middle;
  }
  return low;
}

/** The first place from `low` to `high` whose value is not below the edge. */
function firstFrom(sorted: Float64Array, low: number, high: number, edge: number): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? 0) < edge) from = middle + 1;
    else to = middle;
  }
  return from;
}
