// What a rollout can count on where it is to happen: shares that can be given, requests that come.
import { MlshipError } from "../errors.ts";
import type { Measurement, Revision } from "../rollout/ports.ts";
import type { Site } from "./site.ts";

/** What a plan is held against. */
export interface Prospects {
  /** Shares that the split can give, 0 to 1 and rising; null when it can give any. */
  reachable: number[] | null;
  /** Requests that come in a second, at the most; null when that is not known. */
  requestsPerSecond: number | null;
}

/** Of a way without a canary. */
export const nothingNeeded: Prospects = { reachable: null, requestsPerSecond: null };

/** A count of users' requests that has begun. */
export interface Counting {
  /** What serves while they are counted. */
  stable: Revision | null;
  /** Ends it; waits until it has gone on for long enough to say something. */
  end(): Promise<Prospects>;
}

/** Milliseconds that requests are counted for, at least. */
const atLeast = 3_000;
/** Requests more than were counted that may have been to be expected, at 95 % and for small counts. */
const doubt = 3;

/** Begins to count what users send to stable, while other work goes on. */
export async function beginCounting(site: Site): Promise<Counting> {
  const { target, host } = site;
  const { stable } = await target.observe();
  const first = stable === null ? null : await look(site);
  return {
    stable,
    async end() {
      if (stable === null) return nothingNeeded;
      const reachable = await target.reachableShares();
      if (first === null) return { reachable, requestsPerSecond: null };
      const missing = first.at + atLeast - host.clock.monotonic();
      if (missing > 0) await host.clock.sleep(missing, host.signal);
      return { reachable, requestsPerSecond: rateBetween(first, await look(site)) };
    },
  };
}

/** A reading, and when it was made on the host's clock. */
interface Look {
  at: number;
  seen: Measurement;
}

/** What was counted so far; null where that cannot be said, which is told. */
async function look({ target, host }: Site): Promise<Look | null> {
  try {
    return { at: host.clock.monotonic(), seen: await target.traffic.measured() };
  } catch (error) {
    if (!(error instanceof MlshipError)) throw error;
    host.progress.note(`how many requests come now is not known: ${error.what}`);
    return null;
  }
}

/**
 * The most that may come in a second; null when the counters began again meanwhile, or nothing was
 * counted: users may come later, and a person may promote without them.
 */
function rateBetween(before: Look, after: Look | null): number | null {
  if (after === null || after.seen.era !== before.seen.era) return null;
  const requests = after.seen.stable.requests - before.seen.stable.requests;
  if (requests === 0) return null;
  return (requests + doubt) / ((after.at - before.at) / 1000);
}
