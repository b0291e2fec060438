// The rate that a plan is held against: generous, and unknown when it cannot be measured.
import { expect, test } from "vitest";
import { requestsPerSecond } from "../../../src/rollout/rate.ts";
import { old, World } from "./world.ts";

const rateOf = (world: World) => requestsPerSecond(world.target.traffic, world.clock);

test("is a little more than what was counted", async () => {
  const world = new World().serves(old);
  world.rps = 100;
  const rate = await rateOf(world);
  expect(rate).toBeGreaterThan(100);
  expect(rate).toBeLessThan(115);
});

test("no request in three seconds leaves room for one in a second, not for ten", async () => {
  const world = new World().serves(old);
  world.rps = 0;
  const rate = await rateOf(world);
  expect(rate).toBeGreaterThan(1);
  expect(rate).toBeLessThan(2);
});

test("is not known when counters cannot be read, or begin again meanwhile", async () => {
  const silent = new World().serves(old);
  silent.onCall = () => {
    throw new Error("connection refused");
  };
  expect(await rateOf(silent)).toBeNull();
  const restarted = new World().serves(old);
  let looks = 0;
  restarted.onCall = () => {
    if ((looks += 1) === 2) restarted.newEra();
  };
  expect(await rateOf(restarted)).toBeNull();
});
