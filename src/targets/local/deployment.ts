// What the gateway runs: revisions with their roles, the canary's share and its lease, the counters.
import { BoundedLog } from "./bounded-log.ts";
import { Counters } from "./counters.ts";
import type { Side } from "./counters.ts";
import { Crew } from "./crew.ts";
import type { Desired, GatewayConfig, GatewayStatus, LaunchSpec, Split } from "./documents.ts";
import { replaceJson } from "./durable.ts";
import { Lease } from "./lease.ts";
import { logFile } from "./places.ts";
import type { Places } from "./places.ts";
import type { ProcessIdentity, Servers } from "./ports.ts";
import {
  admit,
  nothing,
  withCanary,
  withPromoted,
  withRetired,
  withStarted,
  withoutCanary,
} from "./roles.ts";
import { Splitter } from "./split.ts";

/** Sentences about what the gateway did by itself that are kept for `status`. */
const notesKept = 20;

/** The outside world of a deployment. */
export interface Surroundings {
  config: GatewayConfig;
  places: Places;
  servers: Servers;
  /** Milliseconds that never go back. */
  monotonic: () => number;
  /** Wall clock as ISO 8601, for logs. */
  now: () => string;
  /** Fresh for each gateway process. */
  nonce: string;
  self: ProcessIdentity;
}

/**
 * The one owner of what runs. Each change is written to disk, then made in one synchronous step, so
 * that no request sees half of it and a gateway that is killed finds it again.
 */
export class Deployment {
  readonly #around: Surroundings;
  readonly #crews = new Map<string, Crew>();
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #splitter = new Splitter();
  readonly #lease: Lease;
  readonly #notes: string[] = [];
  readonly counters: Counters;
  #desired: Desired;
  #fuse: NodeJS.Timeout | null = null;

  /** @param desired what the gateway before this one ran; its canary is not started again. */
  constructor(around: Surroundings, desired: Desired) {
    this.#around = around;
    this.#lease = new Lease(around.config.leaseMs);
    this.counters = new Counters(around.nonce);
    this.#desired = withoutCanary(desired);
    if (desired.canary !== null)
      this.note(`canary ${desired.canary} was not started again: nobody drives it`);
  }

  /** Starts what was stable and previous. */
  begin(): void {
    this.#become(this.#desired);
  }

  /** Refuses a driver whose lock another one has taken. @throws MlshipError `rollout.lock-lost`. */
  admit(epoch: number): void {
    const next = admit(this.#desired, epoch);
    if (next !== this.#desired) this.#become(next);
  }

  /** Starts a revision without traffic. Waits for an earlier run of it to end. */
  async start(spec: LaunchSpec): Promise<void> {
    await this.#leaving.get(spec.revision.id);
    this.#become(withStarted(this.#desired, spec));
  }

  /** Sends a share of requests, 0 to 1, to a started revision for one lease time. */
  share(id: string, share: number): void {
    this.#become(withCanary(this.#desired, id));
    this.#splitter.share = share;
    this.#lease.take(this.#around.monotonic());
    this.#setFuse();
  }

  /** Extends the lease; false when it has run out and the share is 0. */
  renew(): boolean {
    const renewed = this.#lease.renew(this.#around.monotonic());
    if (renewed) this.#setFuse();
    return renewed;
  }

  /** Everything goes to stable, whatever was set. */
  fallback(): void {
    this.#noShare();
  }

  promote(id: string): void {
    this.#become(withPromoted(this.#desired, id));
  }

  /** Resolves when the revision's servers have ended. */
  async retire(id: string): Promise<void> {
    this.#become(withRetired(this.#desired, id));
    await this.#leaving.get(id);
  }

  /** Ends all servers. What should run is forgotten when `forget`, else a later gateway starts it. */
  async end(then: "forget" | "remember"): Promise<void> {
    const remembered = this.#desired;
    if (then === "forget") replaceJson(this.#around.places.state, { ...nothing, epoch: remembered.epoch });
    this.#noShare();
    for (const id of this.#crews.keys()) this.#dismiss(id);
    await Promise.all(this.#leaving.values());
  }

  /** The crew of a side, or null when the role is not taken. */
  crew(side: Side): Crew | null {
    return this.#crews.get(this.#desired[side] ?? "") ?? null;
  }

  /** Decides for the next request. */
  choose(): Side {
    return this.#shareInForce() > 0 ? this.#splitter.next() : "stable";
  }

  measured(): Split {
    return {
      at: this.#around.monotonic(),
      share: this.#shareInForce(),
      ...this.counters.read(),
      ready: { stable: this.crew("stable")?.ready ?? 0, canary: this.crew("canary")?.ready ?? 0 },
    };
  }

  status(): GatewayStatus {
    const { name, channel, port } = this.#around.config;
    const { epoch, stable, canary, previous } = this.#desired;
    const crews = [...this.#crews.values()].map((crew) => crew.status());
    const share = this.#shareInForce();
    const notes = [...this.#notes];
    return {
      name,
      channel,
      port,
      pid: this.#around.self.pid,
      epoch,
      stable,
      canary,
      previous,
      share,
      crews,
      notes,
    };
  }

  /** Keeps a sentence about something that the gateway did by itself. */
  note(sentence: string): void {
    this.#notes.push(`${this.#around.now()} ${sentence}`);
    this.#notes.splice(0, this.#notes.length - notesKept);
  }

  #shareInForce(): number {
    if (this.#lease.lapsed(this.#around.monotonic())) this.#lapse();
    return (this.crew("canary")?.ready ?? 0) > 0 ? this.#splitter.share : 0;
  }

  // The lease is looked at before every request; the timer makes it known also when there are none.
  #setFuse(): void {
    if (this.#fuse !== null) clearTimeout(this.#fuse);
    const left = this.#lease.left(this.#around.monotonic());
    if (left === null) return;
    this.#fuse = setTimeout(() => this.#shareInForce(), left + 1);
    this.#fuse.unref();
  }

  #lapse(): void {
    if (this.#splitter.share > 0) {
      const percent = Math.round(this.#splitter.share * 1000) / 10;
      this.note(`the canary's share fell from ${percent} % to 0: its driver stopped renewing it`);
    }
    this.#noShare();
  }

  #noShare(): void {
    this.#splitter.share = 0;
    this.#lease.drop();
    if (this.#fuse !== null) clearTimeout(this.#fuse);
  }

  #become(next: Desired): void {
    const before = this.#desired;
    replaceJson(this.#around.places.state, next);
    this.#desired = next;
    if (next.stable !== before.stable || next.canary !== before.canary) {
      this.#noShare();
      this.counters.restart();
    }
    for (const spec of next.specs) this.#employ(spec);
    for (const id of this.#crews.keys()) {
      if (!next.specs.some((spec) => spec.revision.id === id)) this.#dismiss(id);
    }
  }

  #employ(spec: LaunchSpec): void {
    const { id } = spec.revision;
    const running = this.#crews.get(id);
    if (running !== undefined && sameLaunch(running.spec, spec)) return;
    if (running !== undefined) this.#dismiss(id);
    const crew = new Crew(spec, this.#around.servers, new BoundedLog(logFile(this.#around.places, id)), {
      crashed: () => this.#crashed(id),
      monotonic: () => this.#around.monotonic(),
      now: () => this.#around.now(),
    });
    this.#crews.set(id, crew);
  }

  #dismiss(id: string): void {
    const crew = this.#crews.get(id);
    if (crew === undefined) return;
    this.#crews.delete(id);
    const left = Promise.all([this.#leaving.get(id), crew.retire()]).then(
      () => void this.#leaving.delete(id),
    );
    this.#leaving.set(id, left);
  }

  #crashed(id: string): void {
    if (id === this.#desired.stable || id === this.#desired.canary) this.counters.disturb();
    this.note(`a server of ${id} ended by itself and is started again`);
  }
}

function sameLaunch(a: LaunchSpec, b: LaunchSpec): boolean {
  return (
    a.bundleFolder === b.bundleFolder &&
    a.python === b.python &&
    a.replicas === b.replicas &&
    a.timeoutMs === b.timeoutMs
  );
}
