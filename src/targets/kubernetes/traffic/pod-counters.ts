// What the servers of a model counted themselves: /metrics of every pod, asked through the API server.
import { MlshipError } from "../../../errors.ts";
import type { Answers, Counts } from "../../../rollout/ports.ts";
import { readAnswers, sumAnswers } from "../../server-metrics.ts";
import { isReady } from "../pods/pod-status.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** Port of the server in its pod. */
import { containerPort } from "../../../cluster/served.ts";

/** Milliseconds between two looks at the pods, and that one pod may take to answer. */
const shortest = 2_000;
const deadline = 2_500;
/** Share of the ready pods of a side that must have answered. */
const enough = 0.9;

/** What one side's pods counted, added up. */
export interface SideCounters {
  counts: Counts;
  /** Null when they count no durations and answers. */
  answers: Answers | null;
}

/** What both sides' pods counted since this process first saw each of them. */
export interface PodCounts {
  stable: SideCounters;
  canary: SideCounters;
}

interface Page {
  counts: Counts;
  answers: Answers | null;
}

/** Counters of one pod through the restarts of its container. */
interface Meter {
  last: Page;
  /** What it had counted before it began again. */
  before: Page;
}

/**
 * Reads and adds up. A container that was restarted counts from 0: what it had counted is kept, so
 * that the sums never fall while the pods stay the same.
 */
export class PodCounters {
  readonly #cluster: Pick<Cluster, "api" | "monotonic">;
  readonly #meters = new Map<string, Meter>();
  #seen: { at: number; pods: string; counts: PodCounts | null } | null = null;

  constructor(cluster: Pick<Cluster, "api" | "monotonic">) {
    this.#cluster = cluster;
  }

  /**
   * The sums over all ready pods of each side, at most two seconds old; null when fewer than 90 % of
   * a side answered, or when they are not servers of mlship's.
   */
  async read(stable: readonly KubeObject[], canary: readonly KubeObject[]): Promise<PodCounts | null> {
    const now = this.#cluster.monotonic();
    const ready = { stable: stable.filter(isReady), canary: canary.filter(isReady) };
    const pods = [...ready.stable, ...ready.canary].map(identity).join();
    if (this.#seen !== null && this.#seen.pods === pods && now - this.#seen.at < shortest)
      return this.#seen.counts;
    const [one, other] = await Promise.all([this.#side(ready.stable), this.#side(ready.canary)]);
    const counts = one === null || other === null ? null : { stable: one, canary: other };
    this.#seen = { at: now, pods, counts };
    return counts;
  }

  async #side(pods: readonly KubeObject[]): Promise<SideCounters | null> {
    const pages = (await Promise.all(pods.map((pod) => this.#pod(pod)))).filter((page) => page !== null);
    if (pages.length < pods.length * enough) return null;
    const counts = pages.reduce((sum, page) => addCounts(sum, page.counts), { requests: 0, errors: 0 });
    return { counts, answers: sumAnswers(pages.map(({ answers }) => answers)) };
  }

  async #pod(pod: KubeObject): Promise<Page | null> {
    const path = `pods/${encodeURIComponent(pod.metadata.name)}:${containerPort}/proxy/metrics`;
    let text: string;
    try {
      text = await this.#cluster.api.text(path, { timeoutMs: deadline });
    } catch (error) {
      if (error instanceof MlshipError) return null;
      throw error;
    }
    const page = readPage(text);
    if (page === null) return null;
    const meter = this.#meters.get(identity(pod)) ?? { last: page, before: empty(page) };
    const before = beganAgain(meter.last, page) ? addPages(meter.before, meter.last) : meter.before;
    this.#meters.set(identity(pod), { last: page, before });
    return addPages(before, page);
  }
}

/** Requests to `/predict` by their status, durations and answers; null when it is no page of our server. */
export function readPage(text: string): Page | null {
  if (!text.includes("# TYPE mlship_requests_total counter")) return null;
  let requests = 0;
  let errors = 0;
  for (const [, code, value] of text.matchAll(
    /^mlship_requests_total\{code="(\d+)",route="\/predict"\} (\S+)$/gm,
  )) {
    const count = Number(value);
    requests += count;
    if (Number(code) >= 500) errors += count;
  }
  return { counts: { requests, errors }, answers: readAnswers(text) };
}

function beganAgain(before: Page, after: Page): boolean {
  return after.counts.requests < before.counts.requests || after.counts.errors < before.counts.errors;
}

function addPages(a: Page, b: Page): Page {
  return { counts: addCounts(a.counts, b.counts), answers: sumAnswers([a.answers, b.answers]) };
}

/** A page on which nothing was counted, with the same buckets. */
function empty({ answers }: Page): Page {
  const none = answers && { seconds: answers.seconds.map(({ bound }) => ({ bound, count: 0 })), said: {} };
  return { counts: { requests: 0, errors: 0 }, answers: none };
}

function addCounts(a: Counts, b: Counts): Counts {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors };
}

function identity({ metadata }: KubeObject): string {
  return metadata.uid ?? metadata.name;
}
