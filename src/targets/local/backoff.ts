// How long a server that ended by itself waits before it is started again.

const first = 200;
const longest = 10_000;
/** Milliseconds of readiness after which earlier crashes no longer count. */
const forgivenAfter = 30_000;

/** Doubles from 0.2 s to 10 s; begins anew after a server has been ready for half a minute. */
export class Backoff {
  #crashes = 0;

  /** @param readyMs how long the server had been ready, 0 when it never was. */
  afterCrash(readyMs: number): number {
    if (readyMs >= forgivenAfter) this.#crashes = 0;
    const wait = Math.min(longest, first * 2 ** this.#crashes);
    this.#crashes += 1;
    return wait;
  }
}
