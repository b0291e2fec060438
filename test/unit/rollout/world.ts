// A target in memory with a clock of its own: it can be killed at any call, and checks what must always hold.
import { MlshipError } from "../../../src/errors.ts";
import type { Driving, News } from "../../../src/rollout/driver.ts";
import type { GoldenResult, GoldenRows } from "../../../src/rollout/golden.ts";
import type { Ledger, LedgerEntry } from "../../../src/rollout/ledger.ts";
import { beginRollout, planRollout } from "../../../src/rollout/plan.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import type { Holder, Measurement, Revision, Target, Wish } from "../../../src/rollout/ports.ts";
import { readRollout } from "../../../src/rollout/record.ts";
import type { Rollout } from "../../../src/rollout/record.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";

export const old = revisionOf("fraud", "1.0.0", `sha256:${"a".repeat(64)}`);
export const fresh = revisionOf("fraud", "1.1.0", `sha256:${"b".repeat(64)}`);

export const values: RolloutValues = {
  name: "fraud",
  channel: "production",
  strategy: "canary",
  steps: [5, 25, 50],
  intervalMs: 3000,
  maxHarm: 0.01,
  maxSlowdown: 2,
  maxShift: 0.3,
  reachable: null,
  holdMs: 20_000,
  bakeMs: 3000,
  startTimeoutMs: 10_000,
  requestsPerSecond: null,
};

/** Thrown by every call once the process is dead. */
export class Killed extends Error {}

/** Time that passes only when everybody waits for it. */
export class VirtualClock {
  #now = 0;
  #timers: { due: number; wake: () => void }[] = [];
  #isPumping = false;

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#now);
  }

  monotonic(): number {
    return this.#now;
  }

  /** A laptop that slept. */
  jump(ms: number): void {
    this.#now += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const timer = { due: this.#now + ms, wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener("abort", () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(signal.reason as Error);
      });
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      const timer = this.#timers.toSorted((a, b) => a.due - b.due)[0];
      if (timer === undefined) return;
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = Math.max(this.#now, timer.due);
      timer.wake();
      if (this.#timers.length > 0) this.#pump();
    });
  }
}

/** How a revision behaves; rates are per attempt. */
export interface Behaviour {
  errorRate: (at: number) => number;
  ready: (at: number) => boolean;
  /** Whether the full set is ready. */
  whole: (at: number) => boolean;
  golden: GoldenResult;
}

const good: Behaviour = {
  errorRate: () => 0,
  ready: () => true,
  whole: () => true,
  golden: { rows: 20, flips: 0, maxDelta: 1e-9 },
};

export class World {
  readonly clock = new VirtualClock();
  readonly ledgerEntries: LedgerEntry[] = [];
  readonly news: News[] = [];
  readonly behaviour = new Map<string, Behaviour>();
  rps = 400;
  /** The call from which on hardly anybody comes. */
  quietFrom: string | null = null;
  stable: Revision | null = null;
  canary: Revision | null = null;
  previous: Revision | null = null;
  share = 0;
  /** Ids of the revisions whose full set runs. */
  readonly full = new Set<string>();
  /** Shares that can be given; null for any. */
  reachable: number[] | null = null;
  /** Why this user may not change anything; null when they may. */
  denial: Error | null = null;
  /** Why the canary cannot go on, as the target says it. */
  trouble: string | null = null;
  record: unknown = null;
  #parsed: Rollout | null = null;
  wish: Wish | null = null;
  holder: Holder | null = null;
  isHolderAlive = false;
  epoch = 0;
  /** Calls so far, and the one at which the process dies. */
  calls: string[] = [];
  killAt: { call: number; when: "before" | "after" } | null = null;
  isDead = false;
  /** What the servers say they counted. */
  served: (at: number) => Measurement["served"] = () => null;
  /** Called before every call; may throw, jump the clock, abort a signal. */
  onCall: (name: string, index: number) => void = () => {};
  broken: string[] = [];
  #hadStable = false;
  #era = 1;
  #measuredAt = 0;
  #owed = { canary: 0, canaryErrors: 0, stable: 0, stableErrors: 0 };
  #counts = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 }, rescued: 0, failed: 0 };

  behaves(revision: Revision, behaviour: Partial<Behaviour>): this {
    this.behaviour.set(revision.id, { ...good, ...behaviour });
    return this;
  }

  serves(revision: Revision): this {
    this.stable = revision;
    this.full.add(revision.id);
    this.#hadStable = true;
    return this;
  }

  newEra(): void {
    this.#era += 1;
    this.#counts = {
      stable: { requests: 0, errors: 0 },
      canary: { requests: 0, errors: 0 },
      rescued: 0,
      failed: 0,
    };
  }

  /** The killed process is gone: leases run out, another process may come. */
  revive(): void {
    this.isDead = false;
    this.killAt = null;
    this.isHolderAlive = false;
    this.#flow();
    this.share = 0;
  }

  /** Nothing serves any more, because a person wanted it so. */
  stopAll(): void {
    [this.stable, this.canary, this.previous, this.share] = [null, null, null, 0];
    this.#hadStable = false;
  }

  /** Everything that must hold at every moment. */
  #check(name: string): void {
    const stored = this.#parsed;
    const allowed = stored === null ? 0 : (stored.plan.steps[stored.step] ?? 0);
    if (this.share > allowed + 1e-9) this.broken.push(`${name}: share ${this.share} above ${allowed}`);
    const isEnded = stored?.phase === "close" || stored?.phase === "done";
    if (this.share > 0 && isEnded) this.broken.push(`${name}: share after the end`);
    if (this.share > 0 && name === "set" && stored?.outcome) this.broken.push("set: share raised in abort");
    if (this.share > 0 && this.canary === null) this.broken.push(`${name}: share without a canary`);
    if (this.#hadStable && this.stable === null) this.broken.push(`${name}: stable lost`);
    if (this.stable !== null) this.#hadStable = true;
  }

  async #call<T>(name: string, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isDead) throw new Killed("dead");
    const index = this.calls.push(name) - 1;
    const kill = this.killAt?.call === index ? this.killAt.when : null;
    if (kill === "before") this.isDead = true;
    if (this.isDead) throw new Killed(`before ${name}`);
    this.onCall(name, index);
    if (name === this.quietFrom) this.rps = 0.1;
    const result = effect();
    this.#check(name);
    if (kill === "after") this.isDead = true;
    if (this.isDead) throw new Killed(`after ${name}`);
    return result;
  }

  #of(revision: Revision): Behaviour {
    return this.behaviour.get(revision.id) ?? good;
  }

  /** Lets the requests since the last look happen, with exact shares and error rates. */
  #flow(): void {
    const now = this.clock.monotonic();
    const requests = ((now - this.#measuredAt) / 1000) * this.rps;
    this.#measuredAt = now;
    const owed = this.#owed;
    owed.canary += requests * this.share;
    owed.stable += requests * (1 - this.share);
    const take = (key: keyof typeof owed): number => {
      const whole = Math.floor(owed[key] + 1e-9);
      owed[key] -= whole;
      return whole;
    };
    const canary = this.canary === null ? 0 : take("canary");
    owed.canaryErrors += this.canary === null ? 0 : canary * this.#of(this.canary).errorRate(now);
    const canaryErrors = take("canaryErrors");
    const stable = take("stable") + canaryErrors;
    owed.stableErrors += this.stable === null ? 0 : stable * this.#of(this.stable).errorRate(now);
    const stableErrors = take("stableErrors");
    this.#counts.canary.requests += canary;
    this.#counts.canary.errors += canaryErrors;
    this.#counts.stable.requests += stable;
    this.#counts.stable.errors += stableErrors;
    this.#counts.rescued += canaryErrors;
    this.#counts.failed += stableErrors;
  }

  #measure(): Measurement {
    const now = this.clock.monotonic();
    this.#flow();
    const isReady = (revision: Revision | null): number =>
      revision !== null && this.#of(revision).ready(now) ? 1 : 0;
    return {
      at: now,
      era: String(this.#era),
      share: this.share,
      ...structuredClone(this.#counts),
      ready: { stable: isReady(this.stable), canary: isReady(this.canary) },
      trouble: this.trouble,
      served: this.served(now),
    };
  }

  #retire(revision: Revision): void {
    if (this.stable?.id === revision.id) throw fault("fleet.stable", "refuses to stop stable");
    if (this.canary?.id === revision.id) {
      if (this.share > 0) this.broken.push("retire: canary with traffic stopped");
      this.canary = null;
    }
    if (this.previous?.id === revision.id) this.previous = null;
    this.full.delete(revision.id);
  }

  #promote(revision: Revision): void {
    this.#flow();
    if (this.stable?.id === revision.id) return;
    const isRunning = this.canary?.id === revision.id || this.previous?.id === revision.id;
    if (!isRunning) throw fault("fleet.not-running", `${revision.id} does not run`);
    if (!this.full.has(revision.id) || !this.#of(revision).whole(this.clock.monotonic())) {
      this.broken.push(`promote: ${revision.id} is not whole`);
    }
    const before = this.stable;
    this.stable = revision;
    this.share = 0;
    this.canary = null;
    this.previous = before;
  }

  readonly target: Target = {
    name: "fake",
    place: "memory",
    fleet: {
      start: (revision) =>
        this.#call("start", () => {
          const runs = [this.stable, this.canary, this.previous].some((one) => one?.id === revision.id);
          if (!runs) this.canary = revision;
        }),
      ready: (revision) =>
        this.#call("ready", () => {
          if (!this.#of(revision).ready(this.clock.monotonic())) throw fault("rollout.not-ready", "crashed");
        }),
      expand: (revision) =>
        this.#call("expand", () => {
          const runs = [this.stable, this.canary, this.previous].some((one) => one?.id === revision.id);
          if (!runs) this.canary = revision;
          this.full.add(revision.id);
        }),
      isWhole: (revision) =>
        this.#call("whole", () => {
          const now = this.clock.monotonic();
          if (!this.full.has(revision.id))
            throw fault("fleet.not-expanded", `${revision.id} has no full set`);
          if (!this.#of(revision).ready(now)) throw fault("rollout.not-ready", "crashed");
          return this.#of(revision).whole(now);
        }),
      predict: (revision) =>
        this.#call("predict", () => ({ predictions: [revision.id], probabilities: null })),
      promote: (revision) => this.#call("promote", () => this.#promote(revision)),
      retire: (revision) => this.#call("retire", () => this.#retire(revision)),
    },
    traffic: {
      set: (canary, share) =>
        this.#call("set", () => {
          if (this.canary?.id !== canary.id) throw fault("traffic.no-canary", "no such canary");
          this.#flow();
          this.share = share;
        }),
      renew: () => this.#call("renew-share", () => {}),
      fallback: () =>
        this.#call("fallback", () => {
          this.#flow();
          this.share = 0;
        }),
      measured: () => this.#call("measured", () => this.#measure()),
    },
    lock: {
      acquire: (holder) =>
        this.#call("acquire", () => {
          if (this.isHolderAlive) {
            throw new MlshipError({
              code: "rollout.locked",
              what: "locked",
              exit: "locked",
              fix: `by ${this.holder?.user}`,
            });
          }
          this.holder = holder;
          this.isHolderAlive = true;
          this.epoch += 1;
          const { epoch } = this;
          const renew = () =>
            this.#call("renew-lock", () => {
              if (this.epoch === epoch) return;
              throw new MlshipError({ code: "rollout.lock-lost", what: "lock lost", exit: "attention" });
            });
          const release = () => this.#call("release", () => void (this.isHolderAlive = false));
          return { epoch, renew, release };
        }),
      holder: () => this.#call("holder", () => (this.isHolderAlive ? this.holder : null)),
    },
    records: {
      load: () => this.#call("load", () => (this.record === null ? null : readRollout(this.record))),
      save: (rollout) =>
        this.#call("save", () => {
          if (rollout.holder.epoch < this.epoch) this.broken.push("save: by an older epoch");
          this.record = JSON.parse(JSON.stringify(rollout));
          this.#parsed = rollout;
        }),
      wish: (wish) => this.#call("wish", () => void (this.wish = wish)),
      takeWish: () =>
        this.#call("take-wish", () => {
          const { wish } = this;
          this.wish = null;
          return wish;
        }),
    },
    observe: () =>
      this.#call("observe", () => {
        const { stable, canary, previous, share } = this;
        return { stable, canary, previous, share, endpoint: stable === null ? null : "http://127.0.0.1:1" };
      }),
    reachableShares: () => Promise.resolve(this.reachable),
    access: () => (this.denial === null ? Promise.resolve() : Promise.reject(this.denial)),
    preflight: () => this.#call("preflight", () => {}),
    logs: () => Promise.resolve(""),
    recover: () => Promise.resolve([]),
    stop: () => Promise.resolve(),
  };

  readonly ledger: Ledger = {
    append: (entry) =>
      this.#call("ledger", () => {
        if (!this.ledgerEntries.some((other) => other.rollout === entry.rollout))
          this.ledgerEntries.push(entry);
      }),
  };

  driving(signal: AbortSignal = new AbortController().signal): Driving {
    const holder = { id: "h", user: "ada", host: "here", pid: 1, doing: "mlship deploy", since: "" };
    const onEvent = (news: News) => void this.news.push(news);
    return { target: this.target, ledger: this.ledger, holder, clock: this.clock, signal, onEvent };
  }

  /** Golden rows whose answer is what the revision's behaviour says. */
  golden(revision: Revision): GoldenRows {
    return { columns: { age: [1] }, compare: () => this.#of(revision).golden };
  }

  begin(to: Revision, id: string, changed: Partial<RolloutValues> = {}): Rollout {
    const plan = planRollout({ ...values, ...changed }, to, this.stable);
    const { holder } = this.driving();
    return beginRollout(plan, { id, reason: `deploy of ${to.version}`, holder, now: this.clock.now() });
  }
}

function fault(code: string, what: string): MlshipError {
  return new MlshipError({ code, what, exit: code === "rollout.not-ready" ? "gate" : "unavailable" });
}
