// Starts kubectl on a leash: when this process ends, however it ends, kubectl ends too.
import { spawn } from "node:child_process";
import type { Variables } from "../process.ts";

/** How kubectl is started. */
export interface Kubectl {
  /** The interpreter that runs the leash. */
  node: string;
  /** Path of `leash.js`. */
  leash: string;
  env: Variables;
}

/** A kubectl that keeps running. */
export interface Leashed {
  /** The first line that it printed; null when it ended or was silent for too long. */
  readonly first: Promise<string | null>;
  readonly ended: Promise<void>;
  /** Its last words on stderr. */
  said(): string;
  close(): void;
}

/** Characters of stderr that are kept. */
const kept = 4_000;
/** Milliseconds until the first line must have come. */
const patience = 15_000;

/** @param folder removed when kubectl has ended; empty for none. */
export function startLeashed(kubectl: Kubectl, args: readonly string[], folder: string): Leashed {
  // A group of its own: Ctrl-C means mlship, which still has to take traffic back through this kubectl.
  const child = spawn(kubectl.node, [kubectl.leash, folder, "kubectl", ...args], {
    env: kubectl.env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const first = Promise.withResolvers<string | null>();
  const ended = Promise.withResolvers<void>();
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (out.includes("\n")) return;
    out += text;
    const end = out.indexOf("\n");
    if (end >= 0) first.resolve(out.slice(0, end));
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err = (err + text).slice(-kept)));
  child.stdin.on("error", () => undefined);
  const timer = setTimeout(() => first.resolve(null), patience);
  const over = () => {
    clearTimeout(timer);
    first.resolve(null);
    ended.resolve();
  };
  child.once("error", (error) => {
    err += error.message;
    over();
  });
  child.once("close", over);
  void first.promise.then(() => clearTimeout(timer));
  // It must not keep mlship from ending.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr])
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  return {
    first: first.promise,
    ended: ended.promise,
    said: () => err.trim(),
    close: () => void child.stdin.end(),
  };
}
