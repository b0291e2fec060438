// What HAProxy says of its two servers, read past mlship: by kubectl's own port-forward to the router's pod.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a router does for the canary. */
export interface RouterState {
  /** Share of the requests that is drawn for it, 0 to 1. */
  share: number;
  /** HAProxy's own check of the canary's address. */
  up: boolean;
  /** Attempts on the canary, and those of them that stable answered instead or nobody did. */
  attempts: number;
  failed: number;
}

/** Where the router keeps the share. */
const map = "/etc/mlship-router/share.map";
const patience = 3_000;

/** The routers of a namespace. */
export class RouterView {
  readonly #namespace: string;
  readonly #forwards = new Map<string, { port: Promise<number>; end: () => void }>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** What this router does now; null when it cannot be asked. */
  async read(pod: string): Promise<RouterState | null> {
    try {
      const late = sleep(patience).then(() => Promise.reject(new Error("late")));
      const port = await Promise.race([this.#port(pod), late]);
      const text = await ask(port, `show map ${map};show stat\n`);
      const share = Number(/ canary (\d+)$/m.exec(text)?.[1]) / 1_000_000;
      const table = text.slice(text.indexOf("# pxname") + 2).split("\n");
      const columns = (table[0] ?? "").split(",");
      const cell = (server: string, column: string) => {
        const row = table.find((line) => line.startsWith(`${server},`)) ?? "";
        return row.split(",")[columns.indexOf(column)] ?? "";
      };
      if (Number.isNaN(share) || cell("canary,canary", "status") === "") return null;
      return {
        share,
        up: cell("canary,canary", "status").startsWith("UP"),
        attempts: Number(cell("canary,canary", "stot")),
        failed: Number(cell("canary,stable", "stot")) + Number(cell("canary,canary", "hrsp_5xx")),
      };
    } catch {
      return null;
    }
  }

  /** Lets go of all routers but these. */
  keep(pods: readonly string[]): void {
    for (const [pod, forward] of this.#forwards) if (!pods.includes(pod)) forward.end();
  }

  #port(pod: string): Promise<number> {
    const known = this.#forwards.get(pod);
    if (known !== undefined) return known.port;
    const args = ["-n", this.#namespace, "port-forward", `pod/${pod}`, ":9999"];
    const child = spawn("kubectl", args, { stdio: ["ignore", "pipe", "ignore"] });
    const port = new Promise<number>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const found = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
      child.on("exit", () => {
        this.#forwards.delete(pod);
        reject(new Error("gone"));
      });
    });
    this.#forwards.set(pod, { port, end: () => child.kill() });
    return port;
  }
}

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const stream = connect({ port, host: "127.0.0.1", timeout: patience }, () => stream.write(command));
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      // The forward passes the end on a second later: an empty line ends each of the two answers.
      if (text.split("\n").filter((line) => line === "").length > 2) stream.destroy();
    });
    stream.on("close", () => resolve(text)).on("error", reject);
    stream.on("timeout", () => stream.destroy(new Error("late")));
  });
}
