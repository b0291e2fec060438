// The clocks of the machine that tests run on.
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../../src/artifacts/elapsed.ts";

export const machineClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal && { signal }),
};
