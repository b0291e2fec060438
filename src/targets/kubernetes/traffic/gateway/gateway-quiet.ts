// Whether a canary is really without traffic: seen in its pods' counters, since a Gateway's word comes before its deed.
import { MlshipError } from "../../../../errors.ts";
import type { SideCounts } from "./gateway-counts.ts";
import type { Cluster } from "../../ports.ts";

/** Milliseconds between two readings. */
const poll = 400;
/** Requests that the former share would have brought the canary in the meantime; none came (e^-30). */
const convincing = 30;
/** Milliseconds that the slowest of several proxies gets at least. */
const shortest = 1_000;
/** Milliseconds without a request that are enough where too few come to tell: Traefik took 3.2 s at most. */
const settled = 5_000;
/** Milliseconds after which the weight counts as not in force. */
const deadline = 20_000;

/** Listens from before the weight is changed. */
export class Quiet {
  readonly #cluster: Pick<Cluster, "monotonic" | "sleep">;
  readonly #counts: { read(): Promise<SideCounts> };
  readonly #share: number;

  /** @param share of the canary until now, 0 to 1 */
  constructor(
    cluster: Pick<Cluster, "monotonic" | "sleep">,
    counts: { read(): Promise<SideCounts> },
    share: number,
  ) {
    this.#cluster = cluster;
    this.#counts = counts;
    this.#share = share;
  }

  /**
   * Waits until no request reaches the canary any more. At once when none was sent there before.
   * @throws MlshipError `gateway.not-in-force`, exit 5, when they do not end.
   */
  async confirm(): Promise<void> {
    if (this.#share === 0) return;
    const began = this.#cluster.monotonic();
    let since = began;
    let before = await this.#read();
    for (;;) {
      await this.#cluster.sleep(poll);
      const now = this.#cluster.monotonic();
      const seen = await this.#read();
      if (before === null || (seen !== null && (seen.era !== before.era || seen.canary > before.canary))) {
        // It still gets some, or began to be readable: listening begins here.
        before = seen;
        if (seen !== null) since = now;
      }
      const users = seen === null || before === null ? 0 : seen.stable - before.stable;
      if (users * this.#share >= convincing && now - since >= shortest) return;
      if (now - since >= settled) return;
      if (now - began >= deadline) throw notInForce();
    }
  }

  /** Null when the pods cannot be read: they may be gone or crash, and then only time tells. */
  async #read(): Promise<{ era: string; stable: number; canary: number } | null> {
    try {
      const { era, stable, canary } = await this.#counts.read();
      return { era, stable: stable.requests, canary: canary.requests };
    } catch (error) {
      if (error instanceof MlshipError && error.exit !== "internal") return null;
      throw error;
    }
  }
}

function notInForce(): MlshipError {
  return new MlshipError({
    code: "gateway.not-in-force",
    what: "the canary still gets requests although its weight is 0",
    why: `its servers count new ones ${deadline / 1000} s after the Gateway was told`,
    fix: "see that no other route leads to the canary's Service and that all proxies of the Gateway are up",
    exit: "unavailable",
  });
}
