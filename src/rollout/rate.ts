// How many requests come now: what a plan's need for evidence is held against.
import { incrementBetween } from "./increment.ts";
import type { Traffic } from "./ports.ts";

/** Milliseconds that requests are counted for, between two readings. */
const countedMs = 3000;

/**
 * Requests per second that stable may be getting, at most: the upper bound of what was counted in
 * three seconds, so that a plan is refused only when it cannot work even if traffic is better than
 * it looks. Null when nothing could be counted.
 */
export async function requestsPerSecond(
  traffic: Traffic,
  clock: { sleep(ms: number): Promise<void> },
): Promise<number | null> {
  const read = () => traffic.measured().catch(() => null);
  const before = await read();
  if (before === null) return null;
  await clock.sleep(countedMs);
  const after = await read();
  const increment = after === null ? null : incrementBetween(before, after);
  if (after === null || increment === null || after.at <= before.at) return null;
  const { stable, canary, rescued } = increment;
  const users = Math.max(0, stable.requests + canary.requests - rescued);
  return boundOf(users) / ((after.at - before.at) / 1000);
}

/** What a Poisson count's expectation is below in 97.5 % of cases: 3.7 when nothing was counted. */
function boundOf(count: number): number {
  return (Math.sqrt(count + 1) + 0.96) ** 2;
}
