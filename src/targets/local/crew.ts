// All servers of one revision, behind one choice: which of them takes the next request.
import type { BoundedLog } from "./bounded-log.ts";
import type { CrewStatus, LaunchSpec } from "./documents.ts";
import type { Servers } from "./ports.ts";
import { Replica } from "./replica.ts";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds between looks at the requests that a drain waits for. */
const drainPoll = 20;
/** Milliseconds beyond a prediction's own time that a drain waits for answers to be read. */
const drainSlack = 2_000;

/** Crashes of a crew after which its servers will not stay up by being started again. */
export const crashesUntilGivenUp = 3;

/** What a crew tells the gateway. */
export interface CrewEvents {
  crashed(): void;
  monotonic(): number;
  /** Wall clock, for log lines: ISO 8601. */
  now(): string;
}

/** The servers of a revision. They start with it and end with `retire`. */
export class Crew {
  readonly spec: LaunchSpec;
  readonly #replicas: Replica[];
  readonly #log: BoundedLog;
  #turn = 0;
  #retired: Promise<void> | null = null;

  constructor(spec: LaunchSpec, servers: Servers, log: BoundedLog, events: CrewEvents) {
    this.spec = spec;
    this.#log = log;
    this.#replicas = Array.from(
      { length: spec.replicas },
      (_, index) =>
        new Replica(spec, servers, {
          crashed: () => events.crashed(),
          monotonic: () => events.monotonic(),
          log: (line) => log.write(`${events.now()} [${index}] ${line}`),
        }),
    );
  }

  /** Servers that pass their readiness probe. */
  get ready(): number {
    return this.#replicas.filter((replica) => replica.ready).length;
  }

  /** The next ready server in turn, another one than `except`; null when there is none. */
  next(except?: Replica): Replica | null {
    return this.#nextOf((replica) => replica.ready && replica !== except);
  }

  /**
   * Like {@link next}, but takes a server that listens without being ready rather than none: a
   * stable server that is late with its probe still answers better than an error.
   */
  nextOrLast(): Replica | null {
    return this.next() ?? this.#nextOf((replica) => replica.port !== null);
  }

  /** Lets requests under way finish, then stops the servers. Nothing may choose this crew any more. */
  retire(): Promise<void> {
    this.#retired ??= this.#drainAndStop();
    return this.#retired;
  }

  status(): CrewStatus {
    return {
      revision: this.spec.revision,
      replicas: this.spec.replicas,
      ready: this.ready,
      ports: this.#replicas.flatMap((replica) =>
        replica.ready && replica.port !== null ? [replica.port] : [],
      ),
      restarts: this.#replicas.reduce((sum, replica) => sum + replica.restarts, 0),
      everReady: this.#replicas.some((replica) => replica.everReady),
      timeoutMs: this.spec.timeoutMs,
    };
  }

  async #drainAndStop(): Promise<void> {
    const patience = this.spec.timeoutMs + drainSlack;
    for (let waited = 0; waited < patience && this.#busy(); waited += drainPoll) await sleep(drainPoll);
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await this.#log.flush();
  }

  #busy(): boolean {
    return this.#replicas.some((replica) => replica.inFlight > 0);
  }

  #nextOf(fits: (replica: Replica) => boolean): Replica | null {
    for (let step = 0; step < this.#replicas.length; step += 1) {
      this.#turn = (this.#turn + 1) % this.#replicas.length;
      const replica = this.#replicas[this.#turn];
      if (replica !== undefined && fits(replica)) return replica;
    }
    return null;
  }
}
