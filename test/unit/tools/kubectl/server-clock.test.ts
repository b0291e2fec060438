// The API server's clock, told by headers that have whole seconds only.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ServerClock } from "../../../../src/tools/kubectl/server-clock.ts";

const header = (ms: number) => new Date(Math.floor(ms / 1000) * 1000).toUTCString();

test("it is never ahead of the server and never a second and a round trip behind", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.array(fc.record({ gap: fc.integer({ min: 0, max: 5_000 }), out: fc.nat(400), back: fc.nat(400) }), {
        minLength: 1,
      }),
      (offset, answers) => {
        let here = 1_000;
        const clock = new ServerClock(() => here);
        for (const { gap, out, back } of answers) {
          here += gap;
          const sentAt = here;
          here += out;
          const date = header(here + offset);
          here += back;
          clock.observe(date, sentAt);
          const behind = here + offset - (clock.now() ?? Number.NaN);
          expect(behind).toBeGreaterThanOrEqual(0);
          expect(behind).toBeLessThan(1_000 + back);
        }
      },
    ),
  );
});

test("many answers tell it more exactly than a second", () => {
  let here = 0;
  const clock = new ServerClock(() => here);
  for (let index = 0; index < 40; index += 1) {
    here = index * 130;
    clock.observe(header(here + 1_700_000_000_400), here);
  }
  expect(here + 1_700_000_000_400 - (clock.now() ?? 0)).toBeLessThan(100);
});

test("a server whose clock was set is believed", () => {
  const clock = new ServerClock(() => 5_000);
  clock.observe(header(1_700_000_600_000), 5_000);
  clock.observe(header(1_700_000_000_000), 5_000);
  expect(clock.now()).toBe(1_700_000_000_000);
});

test("an answer without a date tells nothing", () => {
  const clock = new ServerClock(() => 0);
  clock.observe(undefined, 0);
  clock.observe("yesterday", 0);
  expect(clock.now()).toBeNull();
});
