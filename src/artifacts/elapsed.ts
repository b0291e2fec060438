// Time as the protocols of the store use it: how long something has gone on, at least.

/** The clocks of this machine. */
export interface Clock {
  now(): Date;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Begins to measure.
 * @returns milliseconds since then by whichever clock says more: the one stands still while the
 *   machine sleeps, the other may be set back.
 */
export function startWatch(clock: Clock): () => number {
  const from = { wall: clock.now().getTime(), steady: clock.monotonic() };
  return () => Math.max(clock.now().getTime() - from.wall, clock.monotonic() - from.steady);
}
