// Sorts rows by a number, without comparing: the one sort that all rankings of a model share.

/** Bits of a digit; six digits make a float64. */
const digitBits = 11;
const digitValues = 1 << digitBits;

/** Which half of a float64 comes first in memory. */
const lowFirst = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Row numbers, those of small values first, equal ones in the order of the rows: a radix sort, linear in
 * the rows. NaN has no place in an order; the values must be numbers.
 * @param width values per row
 * @param column which of them counts
 */
export function orderRows(values: Float64Array, width: number, column: number): Uint32Array {
  const rows = values.length / width;
  const keys = new Float64Array(rows);
  // −0 + 0 is 0: equal numbers need equal bits.
  for (let row = 0; row < rows; row++) keys[row] = (values[row * width + column] ?? 0) + 0;
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
