// What a server of ours counted, read from its /metrics page.
import type { Answers } from "../rollout/ports.ts";

const durations = "mlship_request_duration_seconds_bucket";
const said = "mlship_answers_total";

/** The only label of a sample and its value: `mlship_answers_total{answer="no"} 12.0`. */
const sample = /^(\w+)\{(le|answer)="((?:[^"\\]|\\.)*)"\} (\S+)/;

/**
 * Durations and answers of one server in Prometheus' text format; null when it does not count both,
 * as a server that is not ours.
 */
export function readAnswers(page: string): Answers | null {
  const seconds: Answers["seconds"] = [];
  const counted = new Map<string, number>();
  for (const line of page.split("\n")) {
    const [, name, label, text, number] = sample.exec(line) ?? [];
    const count = Number(number);
    if (text === undefined || !Number.isFinite(count)) continue;
    if (name === durations && label === "le") seconds.push({ bound: boundOf(text), count });
    if (name === said && label === "answer") counted.set(unescape(text), count);
  }
  const isCounted = page.includes(`# TYPE ${said} counter`) && seconds.at(-1)?.bound === Infinity;
  return isCounted ? { seconds, said: Object.fromEntries(counted) } : null;
}

/** Answers of several servers of one side; null when one of them does not count, or has other bounds. */
export function sumAnswers(servers: (Answers | null)[]): Answers | null {
  const [first] = servers;
  if (first === undefined || first === null) return null;
  const sums = new Map<string, number>();
  const seconds = first.seconds.map(({ bound }) => ({ bound, count: 0 }));
  for (const server of servers) {
    if (server === null || server.seconds.length !== seconds.length) return null;
    for (const [index, bucket] of seconds.entries()) {
      const other = server.seconds[index];
      if (other === undefined || other.bound !== bucket.bound) return null;
      bucket.count += other.count;
    }
    for (const [answer, count] of Object.entries(server.said)) {
      sums.set(answer, (sums.get(answer) ?? 0) + count);
    }
  }
  return { seconds, said: Object.fromEntries(sums) };
}

function boundOf(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_all, character: string) => (character === "n" ? "\n" : character));
}
