// The rollout's lock in the cluster: a Lease, whose holder is judged by what this process saw itself.
import { MlshipError } from "../../../errors.ts";
import type { HeldLock, Holder, Lock } from "../../../rollout/ports.ts";
import type { Fence } from "./fence.ts";
import { isStale, lockLost } from "./fence-refusals.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { holderIn, leaseEpoch, leaseHolder, leaseOf, leaseRenewal, leaseSeconds } from "./lease-object.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** Milliseconds between two looks at a Lease that another process holds. */
const poll = 1000;

export interface LeaseLockOptions {
  /** Name of the Lease. */
  name: string;
  /** Labels of the model's objects. */
  labels: Record<string, string>;
  /** Told of each epoch that is acquired: what is written from then on is written under it. */
  fence: Fence;
  /**
   * Shuts the holder before this one out, once `fence` has the new epoch.
   * @returns the highest epoch that an object of the model was written under
   */
  taken: () => Promise<number>;
  /** For people: why acquiring takes a while. */
  told: (text: string) => void;
  /** Ends waiting for a lock. */
  signal: AbortSignal;
}

/** What is known of the lock without waiting. */
export interface LockState {
  /** Null when nobody holds it. */
  holder: Holder | null;
  epoch: number;
  /** Milliseconds since the last renewal, by the API server's clock; null when that cannot be known. */
  idleMs: number | null;
}

/**
 * One Lease per model. Its `leaseTransitions` is the epoch, which every holder raises by one. No
 * clock of one machine is compared with another's: a holder is dead when its renewal did not change
 * for 30 s of this process's own looking, and alive as soon as it is seen to change.
 */
export class LeaseLock implements Lock {
  readonly #cluster: Cluster;
  readonly #options: LeaseLockOptions;
  readonly #watch: LeaseWatch;

  constructor(cluster: Cluster, options: LeaseLockOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#watch = new LeaseWatch(cluster);
  }

  /** As the port says; a holder that was never seen before is watched for up to 30 s first. */
  async acquire(holder: Holder): Promise<HeldLock> {
    let isTold = false;
    for (;;) {
      this.#options.signal.throwIfAborted();
      const lease = await this.#look();
      const other = lease === null ? null : holderIn(lease);
      if (lease === null || other === null || other.id === holder.id) {
        const claimed = await this.#claim(lease, holder);
        if (claimed !== null) return await this.#hold(claimed, holder);
        continue;
      }
      if (this.#watch.isAlive) throw locked(other);
      if (this.#watch.isDead) {
        const claimed = await this.#claim(lease, holder);
        if (claimed !== null) return await this.#hold(claimed, holder);
        continue;
      }
      if (!isTold) {
        this.#options.told(
          `${describe(other)} has the lock: watching for up to ${leaseSeconds} s whether it still renews it`,
        );
      }
      isTold = true;
      await this.#cluster.sleep(poll);
    }
  }

  /**
   * Who holds the lock and was not seen to be dead. One that nobody renewed for long by the API
   * server's clock is left out too: that decides what is shown, never what is taken.
   */
  async holder(): Promise<Holder | null> {
    const lease = await this.#look();
    if (lease === null || this.#watch.isDead) return null;
    const { holder, idleMs } = this.#stateOf(lease);
    const isIdle = !this.#watch.isAlive && idleMs !== null && idleMs > (leaseSeconds + 5) * 1000;
    return isIdle ? null : holder;
  }

  /** What is known of the lock now; null when it was never taken. */
  async state(): Promise<LockState | null> {
    const lease = await this.#look();
    return lease === null ? null : this.#stateOf(lease);
  }

  /**
   * Takes the lock although another process may be at work under it: from then on that one's writes
   * are refused. Only a person decides this.
   */
  async seize(holder: Holder): Promise<HeldLock> {
    for (;;) {
      const claimed = await this.#claim(await this.#look(), holder);
      if (claimed !== null) return await this.#hold(claimed, holder);
    }
  }

  #stateOf(lease: KubeObject): LockState {
    const renewed = Date.parse(leaseRenewal(lease));
    const idleMs = Number.isNaN(renewed) ? null : Math.max(0, this.#cluster.api.now() - renewed);
    return { holder: holderIn(lease), epoch: leaseEpoch(lease), idleMs };
  }

  async #look(): Promise<KubeObject | null> {
    const lease = await this.#cluster.api.read("Lease", this.#options.name);
    this.#watch.see(lease);
    return lease;
  }

  /** Takes the Lease as it was seen; null when another process wrote it meanwhile. */
  async #claim(seen: KubeObject | null, holder: Holder): Promise<KubeObject | null> {
    if (seen !== null && leaseHolder(seen) === holder.id) return seen;
    const epoch = (seen === null ? 0 : leaseEpoch(seen)) + 1;
    return await this.#write(seen, holder, epoch).catch(async (error: unknown) => {
      // It may have been written although the answer did not come.
      const now = await this.#cluster.api.read("Lease", this.#options.name);
      if (now !== null && leaseHolder(now) === holder.id) return now;
      if (isStale(error)) return null;
      throw error;
    });
  }

  /** Null when a Lease is there that was not there before. */
  async #write(before: KubeObject | null, holder: Holder | null, epoch: number): Promise<KubeObject | null> {
    const { name, labels } = this.#options;
    const { api } = this.#cluster;
    const lease = leaseOf({ name, labels, holder, epoch, now: api.now() }, before);
    return before === null ? await api.create(lease) : await api.replace(lease);
  }

  async #hold(claimed: KubeObject, holder: Holder): Promise<HeldLock> {
    const { fence, taken } = this.#options;
    let lease = claimed;
    try {
      for (;;) {
        fence.hold(leaseEpoch(lease), holder.id);
        const highest = await taken();
        if (highest <= leaseEpoch(lease)) break;
        // The Lease was removed by hand and began again below what the objects carry.
        lease = (await this.#write(lease, holder, highest + 1)) ?? lease;
      }
    } catch (error) {
      await this.#release(holder, leaseEpoch(lease)).catch(() => {
        // What went wrong first is what is told; unreleased, the lock runs out by itself.
      });
      throw error;
    }
    const epoch = leaseEpoch(lease);
    return {
      epoch,
      renew: async () => {
        lease = await this.#renew(lease, holder, epoch);
      },
      release: () => this.#release(holder, epoch),
    };
  }

  /** Renews what was last seen; when somebody wrote it meanwhile, looks who. */
  async #renew(last: KubeObject, holder: Holder, epoch: number): Promise<KubeObject> {
    let seen: KubeObject | null = last;
    for (;;) {
      try {
        const renewed: KubeObject | null = await this.#write(seen, holder, epoch);
        if (renewed !== null) return renewed;
      } catch (error) {
        if (!isStale(error)) throw error;
      }
      seen = await this.#cluster.api.read("Lease", this.#options.name);
      if (seen !== null && !isOf(seen, holder, epoch)) throw takenBy(seen);
    }
  }

  async #release(holder: Holder, epoch: number): Promise<void> {
    for (;;) {
      const now = await this.#cluster.api.read("Lease", this.#options.name);
      if (now === null || !isOf(now, holder, epoch)) return;
      try {
        await this.#write(now, null, epoch);
        return;
      } catch (error) {
        if (!isStale(error)) throw error;
      }
    }
  }
}

function isOf(lease: KubeObject, holder: Holder, epoch: number): boolean {
  return leaseHolder(lease) === holder.id && leaseEpoch(lease) === epoch;
}

/** A holder for people: `mlship deploy` by ada, process 17 on loom, since …, in …. */
export function describe({ doing, user, pid, host, since, url }: Holder): string {
  const run = url === undefined ? "" : `, in ${url}`;
  return `\`${doing}\` by ${user}, process ${pid} on ${host}, since ${since}${run}`;
}

function locked(holder: Holder): MlshipError {
  const run = holder.url === undefined ? "" : `, in ${holder.url}`;
  return new MlshipError({
    code: "rollout.locked",
    what: `\`${holder.doing}\` by ${holder.user} is at work on this deployment`,
    why: `process ${holder.pid} on ${holder.host} has held the lock since ${holder.since}${run}, and renews it`,
    fix: "wait for it, ask it to stop with `mlship abort`, or take the lock from it with `mlship unlock`",
    exit: "locked",
  });
}

function takenBy(lease: KubeObject): MlshipError {
  const holder = holderIn(lease);
  return lockLost(
    holder === null
      ? `the lock was taken from this process and released since (epoch ${leaseEpoch(lease)})`
      : describe(holder),
  );
}
