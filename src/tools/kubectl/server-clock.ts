// The API server's clock, told by the `Date` of its answers.

/**
 * Keeps the narrowest range of "server's time minus our monotonic time" that all answers agree with.
 * `Date` has whole seconds, so one answer alone is right to a second; some answers together are right
 * to the time that one of them took. An answer that contradicts the others begins a new range: the
 * server's clock was set, or another server answered.
 */
export class ServerClock {
  readonly #monotonic: () => number;
  #range: { low: number; high: number } | null = null;

  /** @param monotonic milliseconds that never go back. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /**
   * @param date header of an answer.
   * @param sentAt monotonic milliseconds at which the request was sent.
   */
  observe(date: string | undefined, sentAt: number): void {
    const told = Date.parse(date ?? "");
    if (!Number.isFinite(told)) return;
    // The server read its clock between then and now, and cut the fraction of the second.
    const low = told - this.#monotonic();
    const high = told + 1000 - sentAt;
    const before = this.#range;
    const agrees = before !== null && low <= before.high && high >= before.low;
    this.#range = agrees
      ? { low: Math.max(low, before.low), high: Math.min(high, before.high) }
      : { low, high };
  }

  /** Milliseconds since 1970; never ahead of the server, and behind it by less than a second. Null before any answer. */
  now(): number | null {
    return this.#range === null ? null : this.#range.low + this.#monotonic();
  }
}
