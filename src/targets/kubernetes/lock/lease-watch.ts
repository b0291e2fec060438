// Whether the holder of a Lease lives: by renewals that this process saw, or saw to stay away.
import { leaseHolder, leaseRenewal, leaseSeconds } from "./lease-object.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/**
 * Milliseconds between two looks that count at most. While the API server is away nobody can renew:
 * a gap says nothing about the holder.
 */
const longestGap = 3000;

/** What was seen of one Lease. Times are this process's own. */
export class LeaseWatch {
  readonly #clock: Pick<Cluster, "monotonic">;
  #seen: { key: string; at: number } | null = null;
  #unchangedMs = 0;
  #hasChanged = false;

  constructor(clock: Pick<Cluster, "monotonic">) {
    this.#clock = clock;
  }

  /** @param lease as it is now; null when there is none */
  see(lease: KubeObject | null): void {
    const key = lease === null ? "" : `${leaseHolder(lease)} ${leaseRenewal(lease)}`;
    const at = this.#clock.monotonic();
    if (this.#seen?.key === key) {
      this.#unchangedMs += Math.min(longestGap, Math.max(0, at - this.#seen.at));
    } else {
      // Between two looks that are far apart a holder may have come, renewed and died.
      this.#hasChanged = this.#seen !== null && at - this.#seen.at <= longestGap;
      this.#unchangedMs = 0;
    }
    this.#seen = { key, at };
  }

  /** It was seen to be written within the lock's time: somebody lives. */
  get isAlive(): boolean {
    return this.#hasChanged && !this.isDead;
  }

  /** It was watched for the lock's time, and nobody wrote it. */
  get isDead(): boolean {
    return this.#unchangedMs >= leaseSeconds * 1000;
  }
}
