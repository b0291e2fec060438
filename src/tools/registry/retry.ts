// What is worth trying again at a registry, and after how long.
import { MlshipError } from "../../errors.ts";
import { retryAfter } from "./faults.ts";
import { ReplyTooLarge, type Reply, type Send } from "./http.ts";

/** How long is waited before a call is tried again. */
export interface Patience {
  /** Milliseconds before each further attempt; as many attempts as there are pauses. */
  pauses: readonly number[];
  /** The longest Retry-After that is waited for, in ms; a longer one ends in an error. */
  longest: number;
  sleep(ms: number): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Failures of a connection that do not pass by themselves. */
const lasting = /^(ECONNREFUSED|ENOTFOUND|ERR_TLS.*|ERR_SSL.*|EPROTO|.*CERT.*|SELF_SIGNED.*|UNABLE_TO_.*)$/;

/** Whether a failed connection may work a moment later: it was cut, was silent, or the network hiccuped. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof MlshipError || error instanceof ReplyTooLarge)
    return false;
  return "code" in error && typeof error.code === "string" ? !lasting.test(error.code) : true;
}

/** Whether a reply says that the same call may be answered well later. */
export function isBusy({ status }: Reply): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** Counts attempts that came to nothing, and waits between them. */
export class Attempts {
  readonly #patience: Patience;
  #failed = 0;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** Something was got done: earlier failures no longer count. */
  forget(): void {
    this.#failed = 0;
  }

  /** Waits before the next attempt. @returns false when it is not worth one */
  async again(reply: Reply | null): Promise<boolean> {
    const pause = this.#patience.pauses[this.#failed];
    if (pause === undefined) return false;
    const asked = reply === null ? null : retryAfter(reply, this.#patience.now());
    if (asked !== null && asked > this.#patience.longest) return false;
    this.#failed += 1;
    await this.#patience.sleep(Math.max(pause, asked ?? 0));
    return true;
  }
}

/** The same `send`, patient: a cut connection, 429 and 5xx are tried again. For calls that may be repeated. */
export function patiently(send: Send, patience: Patience): Send {
  return async (call) => {
    const attempts = new Attempts(patience);
    for (;;) {
      let reply: Reply | null = null;
      try {
        reply = await send(call);
        if (!isBusy(reply)) return reply;
      } catch (error) {
        if (!mayPass(error) || !(await attempts.again(null))) throw error;
        continue;
      }
      if (!(await attempts.again(reply))) return reply;
    }
  };
}
