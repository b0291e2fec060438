// Sorts rows by a number, without comparing: the one sort that all rankings of a model share.

/** Bits of a digit; six digits make a float64. */
const digitBits = 11;
const digitValues = 1 << digitBits;

/** Which half of a float64 comes first in memory. */
const lowFirst = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Rows that are sorted at once, in 28 bytes each; more are dealt out first, which takes 4. */
const mostAtOnce = 1_000_000;

/**
 * Row numbers, those of small values first, equal ones in the order of the rows: a radix sort, linear in
 * the rows. NaN has no place in an order; the values must be numbers.
 * @param width values per row
 * @param column which of them counts
 */
export function orderRows(values: Float32Array | Float64Array, width: number, column: number): Uint32Array {
  const rows = values.length / width;
  // −0 + 0 is 0: equal numbers need equal bits.
  const key = (row: number) => (values[row * width + column] ?? 0) + 0;
  if (rows <= mostAtOnce) return orderKeys(new Float64Array(rows).map((_zero, row) => key(row)));
  const { order, ends } = dealOut(rows, key);
  let from = 0;
  for (const to of ends) {
    if (to - from > 1) {
      const part = order.slice(from, to);
      const sorted = orderKeys(new Float64Array(part.length).map((_zero, at) => key(part[at] ?? 0)));
      for (let at = 0; at < sorted.length; at++) order[from + at] = part[sorted[at] ?? 0] ?? 0;
    }
    from = to;
  }
  return order;
}

/** Row numbers by the first 16 bits of their keys, and where each such part ends. */
function dealOut(rows: number, key: (row: number) => number): { order: Uint32Array; ends: Uint32Array } {
  const one = new Float64Array(1);
  const halves = new Uint32Array(one.buffer);
  const highAt = lowFirst ? 1 : 0;
  const partOf = (row: number) => {
    one[0] = key(row);
    const top = halves[highAt] ?? 0;
    return (top >>> 31 === 1 ? ~top : top ^ 0x80000000) >>> 16;
  };
  const ends = new Uint32Array(1 << 16);
  for (let row = 0; row < rows; row++) {
    const part = partOf(row);
    ends[part] = (ends[part] ?? 0) + 1;
  }
  let sum = 0;
  for (let part = 0; part < ends.length; part++) {
    const count = ends[part] ?? 0;
    ends[part] = sum;
    sum += count;
  }
  const order = new Uint32Array(rows);
  // Each part begins where its end stands, which moves on with every row.
  for (let row = 0; row < rows; row++) {
    const part = partOf(row);
    const at = ends[part] ?? 0;
    order[at] = row;
    ends[part] = at + 1;
  }
  return { order, ends };
}

/** Places of keys, in their order. */
function orderKeys(keys: Float64Array): Uint32Array {
  const rows = keys.length;
  const halves = new Uint32Array(keys.buffer);
  const [highAt, lowAt] = lowFirst ? [1, 0] : [0, 1];
  let [high, low, order] = [new Uint32Array(rows), new Uint32Array(rows), new Uint32Array(rows)];
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [halves[2 * row + highAt] ?? 0, halves[2 * row + lowAt] ?? 0];
    // As unsigned integers, negative numbers would come last and in reverse.
    const negative = top >>> 31 === 1;
    high[row] = negative ? ~top : top ^ 0x80000000;
    low[row] = negative ? ~bottom : bottom;
    order[row] = row;
  }
  let [high2, low2, order2] = [new Uint32Array(rows), new Uint32Array(rows), new Uint32Array(rows)];
  for (let digit = 0; digit < 6; digit++) {
    const [source, shift] = digit < 3 ? [low, digit * digitBits] : [high, (digit - 3) * digitBits];
    const counts = new Uint32Array(digitValues);
    for (let place = 0; place < rows; place++) {
      const value = ((source[place] ?? 0) >>> shift) & (digitValues - 1);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Digits that all rows share, such as the low ones of values that were float32, order nothing.
    if (counts[((source[0] ?? 0) >>> shift) & (digitValues - 1)] === rows) continue;
    let sum = 0;
    for (let value = 0; value < digitValues; value++) {
      const count = counts[value] ?? 0;
      counts[value] = sum;
      sum += count;
    }
    for (let place = 0; place < rows; place++) {
      const value = ((source[place] ?? 0) >>> shift) & (digitValues - 1);
      const to = counts[value] ?? 0;
      counts[value] = to + 1;
      high2[to] = high[place] ?? 0;
      low2[to] = low[place] ?? 0;
      order2[to] = order[place] ?? 0;
    }
    [high, high2, low, low2, order, order2] = [high2, high, low2, low, order2, order];
  }
  return order;
}
