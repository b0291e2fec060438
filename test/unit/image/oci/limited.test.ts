import * as fc from "fast-check";
import { expect, it } from "vitest";
import { limited } from "../../../../src/image/oci/limited.ts";

it("works on everything once, in order, never on more than the limit at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(3), { maxLength: 12 }),
      async (limit, waits) => {
        let open = 0;
        let most = 0;
        const made = await limited(limit, waits, async (wait) => {
          open += 1;
          most = Math.max(most, open);
          for (let turn = 0; turn <= wait; turn += 1) await Promise.resolve();
          open -= 1;
          return wait * 2;
        });
        expect(made).toEqual(waits.map((wait) => wait * 2));
        expect(most).toBe(Math.min(limit, waits.length));
      },
    ),
  );
});

it("begins nothing new after a failure, and waits for what was begun", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const working = limited(2, [0, 1, 2, 3], async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("no");
    await promise;
    ended.push(item);
  });
  setImmediate(resolve);
  await expect(working).rejects.toThrow("no");
  expect([begun, ended]).toEqual([[0, 1], [0]]);
});
