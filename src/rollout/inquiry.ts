// Asks the plan's queries beside the readings of the counters, so that a slow answer delays none of them.
import type { Metrics, QueryAnswer } from "./ports.ts";
import type { Rollout } from "./record.ts";
import type { Inquired, WatchedQuery } from "./watched-queries.ts";

/** Milliseconds from one round of queries to the next, at least. */
const everyMs = 10_000;
/** Milliseconds after which a source that promised to be quicker is not waited for any more. */
const patienceMs = 6000;

interface Clock {
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One driver's questions. */
export class Inquiry {
  readonly #metrics: Metrics | null;
  readonly #clock: Clock;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #found: Inquired | undefined;

  constructor(metrics: Metrics | null, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /**
   * What was answered since the last call. Begins the next round when it is time and the canary has a
   * share: without one, and without queries, nothing is asked.
   */
  next({ plan, share, step }: Rollout): Inquired | undefined {
    const found = this.#found;
    this.#found = undefined;
    const { queries = [] } = plan;
    if (share === 0 || queries.length === 0) return undefined;
    const now = this.#clock.monotonic();
    if (!this.#isAsking && now - this.#askedAt >= everyMs) {
      this.#askedAt = now;
      this.#isAsking = true;
      void this.#round(queries, step);
    }
    return found;
  }

  async #round(queries: WatchedQuery[], step: number): Promise<void> {
    const answers = await Promise.all(queries.map(({ query }) => this.#ask(query)));
    this.#found = { step, answers };
    this.#isAsking = false;
  }

  async #ask(query: string): Promise<QueryAnswer> {
    if (this.#metrics === null) return { problem: "there is nobody to ask" };
    const over = new AbortController();
    const late = this.#clock.sleep(patienceMs, over.signal).then(
      () => ({ problem: `no answer within ${patienceMs / 1000} s` }),
      () => ({ problem: "it was broken off" }),
    );
    try {
      return await Promise.race([this.#metrics.ask(query), late]);
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    } finally {
      over.abort();
    }
  }
}
