// Keeps a driver's lock: renewed in time, and known to be lost before anything else is written.
import { MlshipError } from "../errors.ts";
import { failureOf } from "./event.ts";
import type { Happening } from "./event.ts";
import type { HeldLock } from "./ports.ts";

/** How often the lock is renewed, and how old its last renewal may be when something is written. */
const renewMs = 5000;
const lockMs = 20_000;

/** Two clocks: one that never goes back, and one that goes on while a laptop sleeps. */
interface Clocks {
  monotonic(): number;
  now(): Date;
}

/** The lock of one driver. */
export class LockKeeper {
  readonly #held: HeldLock;
  readonly #clocks: Clocks;
  #renewed: { monotonic: number; wall: number };
  /** What the driver ends with once `renew` has said that the lock is lost. */
  lost: unknown = null;

  constructor(held: HeldLock, clocks: Clocks) {
    this.#held = held;
    this.#clocks = clocks;
    this.#renewed = this.#read();
  }

  /** Goes into every write. */
  get epoch(): number {
    return this.#held.epoch;
  }

  /** Renews the lock when it is time; after a stall this is where a lost lock is found out. */
  async renew(): Promise<Happening | null> {
    if (this.#age() < renewMs) return null;
    const asked = this.#read();
    try {
      await this.#held.renew();
      this.#renewed = asked;
      return null;
    } catch (error) {
      const isTaken = error instanceof MlshipError && error.code === "rollout.lock-lost";
      if (!isTaken && this.#age() < lockMs) return null;
      this.lost = isTaken ? error : lostLock(error);
      return { type: "lock-lost" };
    }
  }

  /**
   * Milliseconds since the renewal that the lock lives by was asked for. The monotonic clock stands
   * still while the machine sleeps, and the wall clock may be set: the longer time counts.
   */
  #age(): number {
    const { monotonic, wall } = this.#read();
    return Math.max(monotonic - this.#renewed.monotonic, wall - this.#renewed.wall);
  }

  #read(): { monotonic: number; wall: number } {
    return { monotonic: this.#clocks.monotonic(), wall: this.#clocks.now().getTime() };
  }
}

function lostLock(cause: unknown): MlshipError {
  return new MlshipError({
    code: "rollout.lock-lost",
    what: "the rollout's lock could not be renewed in time",
    why: failureOf(cause).what,
    fix: "run the command again: it finishes or takes back what was left",
    exit: "attention",
    cause,
  });
}
