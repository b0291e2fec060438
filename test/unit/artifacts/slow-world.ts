// A store in memory in which every operation takes its time: actors are slow, die, and leave requests that still happen.
import type { Clock } from "../../../src/artifacts/elapsed.ts";
import type { KeptObject, ObjectStore, Sweeper } from "../../../src/artifacts/ports.ts";

export class Killed extends Error {}
/** As S3 refuses a request whose signature is older than 15 minutes. */
export class Expired extends Error {}

const minute = 60_000;
/** Milliseconds from calling an operation to its effect, at most. */
const inFlight = 15 * minute;

/** Lets one actor go on by so many steps. */
export class Gate {
  #allowed = 0;
  readonly #waiting: (() => void)[] = [];

  readonly step = async (): Promise<void> => {
    if (this.#allowed <= 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#allowed -= 1;
  };

  /** Allows steps, and waits until they are gone. */
  async allow(steps: number): Promise<void> {
    for (let left = steps; left > 0; left -= 1) {
      this.#allowed += 1;
      this.#waiting.shift()?.();
      await new Promise(setImmediate);
      // Nobody wants to go on: it is over.
      if (this.#allowed > 0) return;
    }
  }
}

/** How an actor dies: at which operation, and whether that one happens before it, later or never. */
export interface Death {
  at: number;
  effect: "never" | "before" | "later";
}

/** How an actor goes about it. */
export interface Pace {
  death: Death | null;
  /** How often the others may come first, after each operation. */
  slowness: number;
  /** After which operations it sleeps, for how many ms, and how often the others may come first then. */
  sleeps: { at: number; ms: number; turns: number }[];
}

/** Time and objects that all actors share. */
export class SlowWorld {
  readonly objects = new Map<string, { bytes: Uint8Array; at: number }>();
  readonly #step: () => Promise<void>;
  readonly #check: () => void;
  time = Date.parse("2026-01-01T00:00:00Z");

  /**
   * @param step waits until the scheduler lets somebody go on
   * @param check called after everything that happens
   */
  constructor(step: () => Promise<void>, check: () => void) {
    this.#step = step;
    this.#check = check;
  }

  /**
   * The store as one actor has it.
   * @param step waits until this actor may go on, where not all wait for the same
   */
  actor(
    { death, slowness, sleeps }: Pace,
    step = this.#step,
  ): { store: ObjectStore; sweeper: Sweeper; clock: Clock } {
    let operations = 0;
    const perform = async <T>(effect: () => T): Promise<T> => {
      const asked = this.time;
      const mine = (operations += 1);
      const happen = async () => {
        await step();
        if (this.time - asked > inFlight) throw new Expired();
        const result = effect();
        this.#check();
        return result;
      };
      if (death !== null && mine >= death.at) {
        if (mine === death.at && death.effect === "before") await happen();
        // Nobody waits for it; it happens when it happens.
        if (mine === death.at && death.effect === "later") void happen().catch(() => {});
        throw new Killed();
      }
      const result = await happen();
      const asleep = sleeps.filter(({ at }) => at === mine);
      for (const { ms } of asleep) this.time += ms;
      const turns = asleep.reduce((sum, sleep) => sum + sleep.turns, slowness);
      for (let turn = 0; turn < turns; turn += 1) await step();
      return result;
    };
    const below = (prefix: string): KeptObject[] =>
      [...this.objects]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { bytes, at }]) => ({ key, size: bytes.length, at: new Date(at) }))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const store: ObjectStore = {
      location: "memory",
      create: (key, body) =>
        perform(() => {
          if (!(body instanceof Uint8Array)) throw new TypeError("bytes only");
          if (this.objects.has(key)) return "exists";
          this.objects.set(key, { bytes: body, at: this.time });
          return "created";
        }),
      read: (key) => perform(() => this.objects.get(key)?.bytes ?? null),
      size: (key) => perform(() => this.objects.get(key)?.bytes.length ?? null),
      download: () => Promise.reject(new TypeError("not here")),
      async *list(prefix, after = "") {
        for (const { key } of await perform(() => below(prefix))) if (key > after) yield key;
      },
    };
    const sweeper: Sweeper = {
      now: () => perform(() => new Date(this.time)),
      async *kept(prefix) {
        yield* await perform(() => below(prefix));
      },
      async *unfinished() {},
      remove: (key) =>
        perform(() => {
          this.objects.delete(key);
          return "removed";
        }),
      abandon: () => Promise.resolve(),
    };
    const clock: Clock = {
      now: () => new Date(this.time),
      monotonic: () => this.time,
      sleep: async (ms) => {
        const until = this.time + ms;
        await step();
        this.time = Math.max(this.time, until);
      },
    };
    return { store, sweeper, clock };
  }
}
