// How many requests run at once.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Pace } from "../../../../src/tools/s3/pace.ts";

/** Work that ends when it is told to, and what runs at the moment. */
function workshop(pace: Pace) {
  const open: (() => void)[] = [];
  const begin = () => pace.run(() => new Promise<void>((resolve) => void open.push(resolve)));
  return { open, begin };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("halves when the server is asked too much, once for all that runs, and grows with each success", async () => {
  const pace = new Pace(8, 16);
  const { open, begin } = workshop(pace);
  const all = Array.from({ length: 20 }, begin);
  await settled();
  expect(open).toHaveLength(8);
  pace.slower();
  pace.slower();
  expect(pace.limit).toBe(4);
  for (const end of open.splice(0, 8)) end();
  await settled();
  expect(open).toHaveLength(4);
  pace.slower();
  expect(pace.limit).toBe(2);
  for (let count = 0; count < 1000; count += 1) pace.faster();
  expect(pace.limit).toBe(16);
  while (open.length > 0) {
    open.pop()?.();
    await settled();
  }
  await Promise.all(all);
});

test("never runs more than the limit was, never stops, and runs everything", async () => {
  const steps = fc.array(fc.constantFrom("begin", "end", "faster", "slower"), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const pace = new Pace(3, 5);
      const { open, begin } = workshop(pace);
      const all: Promise<void>[] = [];
      for (const step of script) {
        if (step === "begin") all.push(begin());
        else if (step === "end") open.shift()?.();
        else pace[step]();
        await settled();
        expect(open.length).toBeLessThanOrEqual(5);
        expect(pace.limit).toBeGreaterThanOrEqual(1);
      }
      while (open.length > 0) {
        open.shift()?.();
        await settled();
      }
      await Promise.all(all);
    }),
  );
});
