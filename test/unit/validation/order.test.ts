// The sort that rankings share: the same order at once and in parts.
import { array, assert, constantFrom, double, oneof, property } from "fast-check";
import { expect, test } from "vitest";
import { orderRows } from "../../../src/validation/metrics/order.ts";

const byComparing = (values: readonly number[]) =>
  values.map((_value, row) => row).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);

test("rows come in the order of their numbers, equal ones in their own", () => {
  const numbers = array(oneof(double({ noNaN: true }), constantFrom(0, -0, 1, 0.5)));
  assert(
    property(numbers, (values) => {
      expect([...orderRows(Float64Array.from(values), 1, 0)]).toEqual(byComparing(values));
    }),
  );
});

test("more than a million rows, which are dealt out first, keep that order", { timeout: 60_000 }, () => {
  const rows = 1_000_003;
  const values = new Float64Array(rows * 2);
  // Multiples of a prime modulo a power of two: all kinds of numbers, many of them equal, some negative.
  for (let row = 0; row < rows; row++) values[2 * row + 1] = (((row * 7919) % 262_144) - 1000) / 1024;
  const order = orderRows(values, 2, 1);
  const valueAt = (place: number) => values[2 * (order[place] ?? 0) + 1] ?? 0;
  const seen = new Uint8Array(rows);
  let misplaced = 0;
  for (let place = 1; place < rows; place++) {
    const isTie = valueAt(place - 1) === valueAt(place);
    if (isTie ? (order[place - 1] ?? 0) >= (order[place] ?? 0) : valueAt(place - 1) > valueAt(place))
      misplaced++;
  }
  for (const row of order) seen[row] = 1;
  expect(misplaced).toBe(0);
  expect(seen.includes(0)).toBe(false);
});
