// A Prometheus asked over its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries.
import { z } from "zod";
import type { Metrics, QueryAnswer } from "../rollout/ports.ts";

/** Milliseconds until the whole answer must be there. */
const timeoutMs = 5000;
/** Most bytes of an answer that are read: one number needs a few hundred. */
const limit = 1 << 20;

const sample = z.tuple([z.number(), z.string()]);

const reply = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.discriminatedUnion("resultType", [
      z.object({ resultType: z.literal("vector"), result: z.array(z.object({ value: sample.optional() })) }),
      z.object({ resultType: z.literal("scalar"), result: sample }),
      z.object({ resultType: z.literal("matrix") }),
      z.object({ resultType: z.literal("string") }),
    ]),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

export interface PrometheusOptions {
  /** Its address, to which `/api/v1/query` is added. */
  url: string;
  /** Sent as bearer token, and shown nowhere. */
  token: string | null;
  signal: AbortSignal;
}

/** Metrics that a Prometheus, or what speaks its API, answers. */
export function openPrometheus({ url, token, signal }: PrometheusOptions): Metrics {
  const base = url.replace(/\/+$/, "");
  return {
    async ask(query) {
      const address = new URL(`${base}/api/v1/query`);
      address.searchParams.set("query", query);
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(address, {
          // Elsewhere the token would be shown to somebody who was not named.
          redirect: "manual",
          headers: {
            accept: "application/json",
            ...(token !== null && { authorization: `Bearer ${token}` }),
          },
          signal: AbortSignal.any([deadline, signal]),
        });
        const answer = answerOf(response.status, await read(response));
        return "problem" in answer ? { problem: withoutToken(answer.problem, token) } : answer;
      } catch (error) {
        if (deadline.aborted) return { problem: `Prometheus did not answer within ${timeoutMs / 1000} s` };
        return { problem: `Prometheus cannot be asked: ${plain(withoutToken(causeOf(error), token))}` };
      }
    },
  };
}

/** The body; null when it is too long to be an answer. */
async function read({ body }: Response): Promise<string | null> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const part of body) {
    size += part.length;
    // Leaving the loop closes the connection.
    if (size > limit) return null;
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** The one number in an answer, or why there is none. */
function answerOf(status: number, body: string | null): QueryAnswer {
  if (status === 401 || status === 403) {
    return { problem: `Prometheus refuses to answer (HTTP ${status}); it may want MLSHIP_PROMETHEUS_TOKEN` };
  }
  if (status >= 300 && status < 400) {
    return { problem: `Prometheus sends elsewhere (HTTP ${status}), which is not followed` };
  }
  if (body === null) return { problem: `Prometheus answered with more than ${limit} bytes` };
  const parsed = reply.safeParse(parse(body));
  if (!parsed.success) return { problem: `what answered (HTTP ${status}) is no Prometheus` };
  if (parsed.data.status === "error") {
    return { problem: `Prometheus says ${plain(`${parsed.data.errorType}: ${parsed.data.error}`)}` };
  }
  const { data } = parsed.data;
  if (data.resultType === "scalar") return numberOf(data.result[1]);
  if (data.resultType !== "vector")
    return { problem: `the query gives a ${data.resultType}, not one number` };
  const [first, ...more] = data.result;
  if (first === undefined) return { problem: "the query gives nothing" };
  if (more.length > 0) return { problem: `the query gives ${data.result.length} series, not one number` };
  return first.value === undefined ? { problem: "the query gives no number" } : numberOf(first.value[1]);
}

function numberOf(text: string): QueryAnswer {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? { value } : { problem: `the query gives ${plain(text)}` };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Not JSON is not what a Prometheus answers, whatever it is.
    return null;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides what went wrong behind "fetch failed".
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** A token that cannot be a header is named by the error about it, and a server may send back what it got. */
function withoutToken(text: string, token: string | null): string {
  return token === null ? text : text.replaceAll(token, "…");
}

/** What others wrote, short and safe to print. */
function plain(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
