// A steady stream of single-row predictions at one server of this machine or of the testbed, with every answer counted.
import { Agent, request } from "node:http";

/** What came back so far. */
export interface Tally {
  sent: number;
  answered: number;
  /** Answers other than 200, and requests without an answer. */
  failed: number;
  /** Requests that stable answered because the canary had failed. */
  rescued: number;
  /** Answers by the version that gave them. */
  versions: Map<string, number>;
  /** The first twenty failures: seconds since the start, and what came instead of an answer. */
  failures: string[];
}

/** How the requests are sent. */
export interface LoadOptions {
  /** Address of the server; this machine unless given. */
  host?: string;
  /** Whether connections are used again; they are unless told otherwise. */
  keepAlive?: boolean;
  headers?: Record<string, string>;
}

/** A running stream of requests. */
export interface Load {
  readonly tally: Tally;
  /** Sends nothing more and waits for what is under way. */
  stop(): Promise<Tally>;
}

/** Sends the rows in turn, `rate` a second, for at most `seconds`. */
export function startLoad(
  port: number,
  rows: string[],
  rate: number,
  seconds: number,
  { host = "127.0.0.1", keepAlive = true, headers = {} }: LoadOptions = {},
): Load {
  const agent = new Agent({ keepAlive, maxSockets: 32 });
  const tally: Tally = { sent: 0, answered: 0, failed: 0, rescued: 0, versions: new Map(), failures: [] };
  const begun = performance.now();
  const fail = (how: string) => {
    tally.failed++;
    if (tally.failures.length < 20)
      tally.failures.push(`${((performance.now() - begun) / 1000).toFixed(1)} s: ${how}`);
  };
  const send = (row: string) => ask({ host, port, agent, headers }, row, tally, fail);
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const elapsed = performance.now() - begun;
    if (elapsed > seconds * 1000) clearInterval(timer);
    // After a stall the backlog is sent over time, not in one burst.
    const due = Math.min(Math.floor((elapsed / 1000) * rate) - tally.sent, Math.ceil(rate / 20));
    for (let count = 0; count < due; count++) {
      const sent = send(rows[tally.sent % rows.length] ?? "").finally(() => open.delete(sent));
      open.add(sent);
      tally.sent++;
    }
  }, 5);
  return {
    tally,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return tally;
    },
  };
}

function ask(
  way: { host: string; port: number; agent: Agent; headers: Record<string, string> },
  row: string,
  tally: Tally,
  fail: (how: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const body = `{"rows":[${row}]}`;
    const sent = request({
      ...way,
      path: "/predict",
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...way.headers,
      },
    });
    sent.setTimeout(30_000, () => sent.destroy(new Error("no answer")));
    sent.on("response", (answer) => {
      const version = String(answer.headers["x-mlship-version"] ?? "none");
      answer.resume();
      // An answer that breaks off has no end.
      answer.on("error", (error) => {
        fail(`${error.message}, half-way, by ${version}`);
        resolve();
      });
      answer.on("end", () => {
        tally.answered++;
        if (answer.statusCode !== 200) fail(`${answer.statusCode} by ${version}`);
        if (answer.headers["x-mlship-fallback"]) tally.rescued++;
        tally.versions.set(version, (tally.versions.get(version) ?? 0) + 1);
        resolve();
      });
    });
    sent.on("error", (error) => {
      fail(error.message);
      resolve();
    });
    sent.end(body);
  });
}
