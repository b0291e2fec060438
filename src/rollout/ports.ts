// What a rollout needs from a target: revisions that run, traffic that can be shared, a lock, a record.
import type { Digest } from "../digest.ts";
import type { Columns, Predictions } from "../validation/ports.ts";
import type { Rollout } from "./record.ts";

/** One release as it runs on a target. Two releases of one version are two revisions. */
export interface Revision {
  /** DNS label made of name, version and release digest: `fraud-1-4-0-3f2a9c1d`. */
  id: string;
  version: string;
  release: Digest;
}

/** Attempts at one side since its counters began. An attempt that was retried elsewhere counts here. */
export interface Counts {
  requests: number;
  /** Attempts that ended in 5xx, a refused or broken connection, or a timeout. */
  errors: number;
}

/** Counters read at one instant. They only grow while `era` stays the same. */
export interface Measurement {
  /** Milliseconds on the target's monotonic clock. */
  at: number;
  /** Changes whenever counters began again at 0, or a server of either side was restarted. */
  era: string;
  /** Share of requests that the splitter is set to send to the canary, 0 to 1. */
  share: number;
  stable: Counts;
  canary: Counts;
  /** Canary attempts that failed and were then answered by stable: no user saw them. */
  rescued: number;
  /** Requests that were answered 5xx to the user. */
  failed: number;
  /** Servers that pass their readiness probe now. */
  ready: { stable: number; canary: number };
  /** Why the canary's servers cannot go on, with their last words: killed for memory, crashed again and again. */
  trouble: string | null;
  /**
   * The canary's servers were taken away by something else (a node was drained) and others come up in
   * their place: that none is ready is not its fault, and nothing is counted meanwhile.
   */
  moving?: boolean | undefined;
  /** What the servers themselves counted; null where they cannot be asked or do not count. */
  served: { stable: Answers; canary: Answers } | null;
}

/** What the servers of one side counted since `era` began. */
export interface Answers {
  /** Requests answered within each bound, cumulative: the last bound is infinite and counts them all. */
  seconds: { bound: number; count: number }[];
  /** Predictions by what they said: a class label, or the bin of a value. */
  said: Record<string, number>;
}

/** Runs revisions. Every method may be repeated: it then confirms what is already so. */
export interface Fleet {
  /** Starts the servers that try the revision out, without traffic. */
  start(revision: Revision): Promise<void>;
  /**
   * Waits until all servers of the revision are ready.
   * @throws MlshipError `rollout.not-ready`, exit 3, with the last lines of the server's log.
   */
  ready(revision: Revision, timeoutMs: number): Promise<void>;
  /**
   * Starts the revision's full set of servers, as many as stable has, beside those that try it out and
   * still without traffic. Returns at once; `isWhole` tells when they are ready.
   */
  expand(revision: Revision): Promise<void>;
  /**
   * Whether the full set is ready.
   * @throws MlshipError `rollout.not-ready`, exit 3, as soon as it is clear that it will not be.
   */
  isWhole(revision: Revision): Promise<boolean>;
  /** Asks one server of the revision directly, past the splitter: of the full set once there is one. */
  predict(revision: Revision, columns: Columns): Promise<Predictions>;
  /** Makes a whole revision the stable one in one step; the one before stays warm, without traffic. */
  promote(revision: Revision): Promise<void>;
  /** Drains and stops a revision that gets no traffic; refuses the stable one. */
  retire(revision: Revision): Promise<void>;
}

/** Splits traffic between stable and canary. A share is a lease: unrenewed, it falls to 0 by itself. */
export interface Traffic {
  /** Sends `share` (0 to 1) of requests to the canary revision. */
  set(canary: Revision, share: number): Promise<void>;
  /** Keeps the share in force for another lease time. */
  renew(): Promise<void>;
  /** Everything goes to stable, whatever was set, also when there is no canary any more. */
  fallback(): Promise<void>;
  /** @throws MlshipError `rollout.moved`, exit 7, when something else changed what is stable: the rollout ends. */
  measured(): Promise<Measurement>;
}

/** One number, or why there is none, in a few words. */
export type QueryAnswer = { value: number } | { problem: string };

/** Numbers that somebody else keeps about both revisions, such as Prometheus. */
export interface Metrics {
  /** The finite number that a query gives now. What the source does wrong is an answer, not an error. */
  ask(query: string): Promise<QueryAnswer>;
}

/** Who drives a rollout. */
export interface Holder {
  /** Fresh for each process that takes the lock. */
  id: string;
  user: string;
  host: string;
  pid: number;
  /** The command: `mlship deploy`. */
  doing: string;
  /** ISO 8601. */
  since: string;
  /** Page of the CI run that it works in. */
  url?: string;
}

/** At most one process drives. */
export interface Lock {
  /** @throws MlshipError `rollout.locked`, exit 6, that says who holds it, from where, since when. */
  acquire(holder: Holder): Promise<HeldLock>;
  /** The live holder, or null. A holder that stopped renewing is not live. */
  holder(): Promise<Holder | null>;
}

export interface HeldLock {
  /** One more than the lock's last holder had: a write with an older epoch is refused. */
  readonly epoch: number;
  /** @throws MlshipError `rollout.lock-lost`, exit 7, when another has taken over. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/** What a person asks of a rollout that another process drives. */
export type Wish = "promote" | "abort";

/** The rollout's record where every driver finds it. */
export interface Records {
  load(): Promise<Rollout | null>;
  /** All or nothing, also when the process is killed. */
  save(rollout: Rollout): Promise<void>;
  /** Leaves a wish for the driver. */
  wish(wish: Wish): Promise<void>;
  /** Takes the wish, if there is one. */
  takeWish(): Promise<Wish | null>;
}

/** What runs on the target now, whatever any record says. */
export interface Observed {
  stable: Revision | null;
  canary: Revision | null;
  /** The one before stable, still warm. */
  previous: Revision | null;
  /** Share of the canary now, 0 to 1. */
  share: number;
  /** Where users send requests: `http://127.0.0.1:8080`; null when nothing serves. */
  endpoint: string | null;
}

/** A place where models serve. */
export interface Target {
  readonly name: string;
  /** For people, shown before acting: `this machine, port 8080`. */
  readonly place: string;
  readonly fleet: Fleet;
  readonly traffic: Traffic;
  readonly lock: Lock;
  readonly records: Records;
  observe(): Promise<Observed>;
  /**
   * Serves the stable revision again where something killed it; never starts a canary. Says what it
   * found and did, in sentences; nothing when all is well.
   */
  recover(): Promise<string[]>;
  /** Shares that a canary can be given beside what serves now, 0 to 1 and rising; null when any can. */
  reachableShares(): Promise<number[] | null>;
  /** Whether this user may change anything here: asked before a model is judged and an image made. Throws why not. */
  access(): Promise<void>;
  /** What would make the rollout fail, found before anything is changed. Throws the first. */
  preflight(revision: Revision): Promise<void>;
  /** Last lines of the revision's log. */
  logs(revision: Revision, lines: number): Promise<string>;
  /** Stops everything that serves here. */
  stop(): Promise<void>;
}
