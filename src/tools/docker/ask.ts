// Asks the server in a container, as its users do.
import { MlshipError } from "../../errors.ts";
import type { Asking } from "../../image/ports.ts";
import { readAnswer } from "../../validation/answer.ts";

/** Milliseconds for an answer about readiness. */
const readyPatience = 2_000;
/** Milliseconds beyond a prediction's own time: a container's first request is a slow one. */
const slack = 5_000;
/** Characters of a refusal that are shown. */
const shownWords = 300;

/** @param signal ends a request under way. */
export function createAsking(signal: AbortSignal): Asking {
  return {
    async isReady(url) {
      try {
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(readyPatience)]);
        const response = await fetch(`${url}/health/ready`, { signal: inTime });
        await response.body?.cancel();
        return response.status === 200;
      } catch {
        // Nobody listens yet, or the answer is late: the same as not ready.
        signal.throwIfAborted();
        return false;
      }
    },
    async ask(url, columns, timeoutMs) {
      let status: number;
      let text: string;
      try {
        const response = await fetch(`${url}/predict`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ columns }),
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + slack)]),
        });
        status = response.status;
        text = await response.text();
      } catch (cause) {
        signal.throwIfAborted();
        const late = cause instanceof Error && cause.name === "TimeoutError";
        throw noAnswer(
          late ? `it did not answer within ${timeoutMs + slack} ms` : "it broke the connection",
          cause,
        );
      }
      if (status !== 200) throw noAnswer(`it answered ${status}: ${text.slice(0, shownWords)}`);
      const answer = readAnswer(text);
      if (answer === null) throw noAnswer("it answered something else than predictions");
      return answer;
    },
  };
}

function noAnswer(why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "image.no-answer",
    what: "the image does not answer rows of the test data",
    why,
    fix: "correct the model or its handler, or raise serve.timeout, then run mlship build again",
    exit: "gate",
    cause,
  });
}
