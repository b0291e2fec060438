// How much is under way at once, and what a failure leaves.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { inParallel } from "../../../src/artifacts/in-parallel.ts";

const MiB = 1024 * 1024;

test("keeps order and both bounds, whichever work ends first", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), sizes, async (scheduler, items) => {
      const running: number[] = [];
      const work = async (size: number) => {
        running.push(size);
        // What is larger than all of the room counts as all of it.
        const held = running.reduce((sum, one) => sum + Math.min(one, 32), 0);
        expect(running.length <= 32 && held <= 32).toBe(true);
        await scheduler.schedule(Promise.resolve());
        running.splice(running.indexOf(size), 1);
        return size * 2;
      };
      const all = inParallel(items, work, { sizeOf: (size) => size * MiB });
      expect(await scheduler.waitFor(all)).toEqual(items.map((size) => size * 2));
    }),
    { numRuns: 60 },
  );
});

test("after a failure nothing is begun, and what is under way ends first", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 3) throw new Error("three");
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(item);
  };
  const items = Array.from({ length: 100 }, (_, index) => index);
  await expect(inParallel(items, work)).rejects.toThrow("three");
  expect(begun).toHaveLength(32);
  expect(ended).toHaveLength(31);
});

test("begins nothing once its signal was aborted", async () => {
  const stopping = new AbortController();
  const begun: number[] = [];
  const work = (item: number) => {
    begun.push(item);
    if (item === 1) stopping.abort(new Error("enough"));
    return Promise.resolve();
  };
  await expect(inParallel([0, 1, 2, 3], work, { signal: stopping.signal })).rejects.toThrow("enough");
  expect(begun).toEqual([0, 1]);
});
