// What the proxy counts: attempts and errors per side, rescues, and what users saw.
import type { Counts } from "../../rollout/ports.ts";

export type Side = "stable" | "canary";

/** Counters since the era began. A new era tells readers that differences to older readings mean nothing. */
export class Counters {
  readonly #nonce: string;
  #generation = 0;
  #term = 0;
  #stable: Counts = { requests: 0, errors: 0 };
  #canary: Counts = { requests: 0, errors: 0 };
  #rescued = 0;
  #failed = 0;

  /** @param nonce fresh for each gateway process. */
  constructor(nonce: string) {
    this.#nonce = nonce;
  }

  /** Changes when the sides change hands. An attempt carries the term that it began in. */
  get term(): number {
    return this.#term;
  }

  /** One attempt at a side has ended. One of an earlier term belongs to neither side now. */
  attempt(side: Side, failed: boolean, term: number): void {
    if (term !== this.#term) return;
    const counts = side === "stable" ? this.#stable : this.#canary;
    counts.requests += 1;
    if (failed) counts.errors += 1;
  }

  /** An attempt that was counted as answered broke off while its answer was passed on. */
  breakOff(side: Side): void {
    (side === "stable" ? this.#stable : this.#canary).errors += 1;
  }

  /** A failed canary attempt was answered by stable. */
  rescue(): void {
    this.#rescued += 1;
  }

  /** A user was answered 5xx, or lost the connection. */
  fail(): void {
    this.#failed += 1;
  }

  /** A server of either side ended: the counters go on, their readers are told. */
  disturb(): void {
    this.#generation += 1;
  }

  /** The sides have changed hands: begin again at 0. */
  restart(): void {
    this.disturb();
    this.#term += 1;
    this.#stable = { requests: 0, errors: 0 };
    this.#canary = { requests: 0, errors: 0 };
    this.#rescued = 0;
    this.#failed = 0;
  }

  read(): { era: string; stable: Counts; canary: Counts; rescued: number; failed: number } {
    return {
      era: `${this.#nonce}-${this.#generation}`,
      stable: { ...this.#stable },
      canary: { ...this.#canary },
      rescued: this.#rescued,
      failed: this.#failed,
    };
  }
}
