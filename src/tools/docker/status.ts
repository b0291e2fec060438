// BuildKit's account of a build: vertices and what they print, told as build events.
import { StringDecoder } from "node:string_decoder";
import type { BuildEvent } from "../../image/ports.ts";

/** One message of BuildKit, from its JSON or its protobuf form. */
export interface Status {
  vertexes: {
    digest: string;
    name: string;
    started: boolean;
    completed: boolean;
    cached: boolean;
    error: string;
  }[];
  logs: { vertex: string; data: Uint8Array }[];
}

/** What failed, when a build did. */
export interface Failure {
  /** The instruction as BuildKit names it: `[environment 3/4] RUN …`. */
  step: string;
  error: string;
  /** The last lines that it printed. */
  output: string[];
}

/** Lines that are kept of each instruction, for the case that it fails. */
const keptLines = 30;

/** Turns messages into events; remembers what failed. */
export class StatusReader {
  readonly #onEvent: (event: BuildEvent) => void;
  readonly #states = new Map<string, "started" | "done" | "cached" | "failed">();
  readonly #names = new Map<string, string>();
  readonly #lines = new Map<string, string[]>();
  readonly #rests = new Map<string, { decoder: StringDecoder; text: string }>();
  #failed: { id: string; error: string } | null = null;

  constructor(onEvent: (event: BuildEvent) => void) {
    this.#onEvent = onEvent;
  }

  take({ vertexes, logs }: Status): void {
    for (const { vertex, data } of logs) this.#print(vertex, data);
    for (const { digest: id, name, started, completed, cached, error } of vertexes) {
      if (name !== "") this.#names.set(id, name);
      // What was cancelled because another one failed is not what failed.
      const isCancelled = /context canceled/.test(error);
      if (error !== "" && !isCancelled) this.#failed ??= { id, error };
      // Where a vertex is done and started again, as an input's metadata is, the first time counts.
      const state = error === "" ? (completed ? (cached ? "cached" : "done") : "started") : "failed";
      if (!started || this.#states.get(id) === state || this.#isOver(id)) continue;
      if (state !== "started") this.#flush(id);
      this.#states.set(id, state);
      this.#onEvent({ kind: "step", id, name: this.#names.get(id) ?? id, state });
    }
  }

  /** What failed first; null when nothing did. */
  get failure(): Failure | null {
    if (this.#failed === null) return null;
    const { id, error } = this.#failed;
    this.#flush(id);
    return { step: this.#names.get(id) ?? "", error, output: this.#lines.get(id) ?? [] };
  }

  #isOver(id: string): boolean {
    const state = this.#states.get(id);
    return state !== undefined && state !== "started";
  }

  #print(id: string, data: Uint8Array): void {
    const rest = this.#rests.get(id) ?? { decoder: new StringDecoder("utf8"), text: "" };
    const parts = (rest.text + rest.decoder.write(Buffer.from(data))).split(/\r?\n|\r/);
    rest.text = parts.pop() ?? "";
    this.#rests.set(id, rest);
    for (const line of parts) this.#line(id, line);
  }

  #flush(id: string): void {
    const rest = this.#rests.get(id);
    if (rest === undefined || rest.text === "") return;
    this.#line(id, rest.text);
    rest.text = "";
  }

  #line(id: string, line: string): void {
    if (line.trim() === "") return;
    const lines = [...(this.#lines.get(id) ?? []), line].slice(-keptLines);
    this.#lines.set(id, lines);
    this.#onEvent({ kind: "output", id, line });
  }
}
