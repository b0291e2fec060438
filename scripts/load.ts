// A steady stream of single-row predictions at one server on this machine, with every answer counted.
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
}

/** A running stream of requests. */
export interface Load {
  readonly tally: Tally;
  /** Sends nothing more and waits for what is under way. */
  stop(): Promise<Tally>;
}

/** Sends the rows in turn, `rate` a second on loopback, for at most `seconds`. */
export function startLoad(port: number, rows: string[], rate: number, seconds: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const tally: Tally = { sent: 0, answered: 0, failed: 0, rescued: 0, versions: new Map() };
  const begun = performance.now();
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const elapsed = performance.now() - begun;
    if (elapsed > seconds * 1000) clearInterval(timer);
    // After a stall the backlog is sent over time, not in one burst.
    const due = Math.min(Math.floor((elapsed / 1000) * rate) - tally.sent, Math.ceil(rate / 20));
    for (let count = 0; count < due; count++) {
      const sent = send(port, rows[tally.sent % rows.length] ?? "", agent, tally).finally(() =>
        open.delete(sent),
      );
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

function send(port: number, row: string, agent: Agent, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    const body = `{"rows":[${row}]}`;
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request({ host: "127.0.0.1", port, path: "/predict", method: "POST", agent, headers });
    sent.setTimeout(30_000, () => sent.destroy(new Error("no answer")));
    sent.on("response", (answer) => {
      const version = String(answer.headers["x-mlship-version"] ?? "none");
      answer.resume();
      answer.on("end", () => {
        tally.answered++;
        if (answer.statusCode !== 200) tally.failed++;
        if (answer.headers["x-mlship-fallback"]) tally.rescued++;
        tally.versions.set(version, (tally.versions.get(version) ?? 0) + 1);
        resolve();
      });
    });
    sent.on("error", () => {
      tally.failed++;
      resolve();
    });
    sent.end(body);
  });
}
