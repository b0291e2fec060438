// A share that is in force only as long as somebody renews it.

/** Milliseconds that a share stays in force without being renewed. */
export const LEASE_MS = 30_000;

/** Time comes in from outside, in milliseconds that never go back. */
export class Lease {
  readonly #length: number;
  #until: number | null = null;

  constructor(lengthMs: number) {
    this.#length = lengthMs;
  }

  take(now: number): void {
    this.#until = now + this.#length;
  }

  /** Extends a lease that has not run out; false when there is none to extend. */
  renew(now: number): boolean {
    if (this.#until === null || this.lapsed(now)) return false;
    this.take(now);
    return true;
  }

  drop(): void {
    this.#until = null;
  }

  /** Whether a lease was taken and not renewed in time. */
  lapsed(now: number): boolean {
    return this.#until !== null && now >= this.#until;
  }

  /** Milliseconds until it lapses, or null without a lease. */
  left(now: number): number | null {
    return this.#until === null ? null : Math.max(0, this.#until - now);
  }
}
