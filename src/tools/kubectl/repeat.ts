// What is asked of the API server again, for how long, and whether an earlier attempt may have been carried out.
import { setTimeout as sleep } from "node:timers/promises";
import { MlshipError } from "../../errors.ts";
import type { Call, Reply } from "./socket-http.ts";

/** An answer, and what is not known about the attempts before it. */
export interface Answer {
  reply: Reply;
  /** An earlier attempt got no clear answer: it may have been carried out. */
  unsure: boolean;
}

/** Milliseconds after the first attempt in which another one may begin. A share lasts 30 s unrenewed, so do not wait longer. */
const patience = 8_000;
/** Milliseconds before the attempts after the first; the last one stays. */
const pauses = [50, 150, 400, 1_000, 1_500];

/** kubectl's own words for what does not pass by waiting. */
const lasting = /getting credentials|x509|tls: |certificate|no such host|executable .* not found/i;

/** The API server's words for a field that a kind does not have, which it answers 500 to an apply with. */
const misfit = /failed to create typed patch object|field not declared in schema/;

/** Whether the same call may be answered well later. */
function isPassing(reply: Reply): boolean {
  const { status, body } = reply;
  if (status === 429) return true;
  return status >= 500 && !(isOfKubectl(reply) ? lasting : misfit).test(body);
}

/** Whether the answer is kubectl's own: it did not get one from the API server. */
export function isOfKubectl({ status, headers }: Reply): boolean {
  return status >= 500 && !/json/.test(headers["content-type"] ?? "");
}

/** Sends a call until a clear answer comes. Rejects with what the last attempt met when none came. */
export async function repeat(send: (call: Call) => Promise<Reply>, call: Call): Promise<Answer> {
  const began = performance.now();
  let unsure = false;
  for (let failed = 0; ; failed += 1) {
    const pause = pauses[Math.min(failed, pauses.length - 1)] ?? 0;
    const mayGoOn = (wait: number) => performance.now() - began + wait < patience;
    try {
      const reply = await send(call);
      const { status } = reply;
      // Retry-After is in seconds, see RFC 9110, 10.2.3; the API server sends no dates.
      const wait = Math.max(pause, Number(reply.headers["retry-after"] ?? 0) * 1000 || 0);
      if (!isPassing(reply) || !mayGoOn(wait)) return { reply, unsure };
      // 429 is said before anything is done.
      if (status !== 429) unsure = true;
      await sleep(wait);
    } catch (error) {
      if (error instanceof MlshipError || !mayGoOn(pause)) throw error;
      unsure = true;
      await sleep(pause);
    }
  }
}
