// Reads `docker buildx build --progress=rawjson`: JSON objects one behind the other, with plain text around them.
import { z } from "zod";
import type { Status } from "./status.ts";

const messageSchema = z.looseObject({
  vertexes: z
    .array(
      z.looseObject({
        digest: z.string(),
        name: z.string().default(""),
        started: z.string().optional(),
        completed: z.string().optional(),
        cached: z.boolean().default(false),
        error: z.string().default(""),
      }),
    )
    .nullish(),
  logs: z.array(z.looseObject({ vertex: z.string(), data: z.string().default("") })).nullish(),
});

/** Most characters of plain text that are kept: the client's last words. */
const keptText = 16_000;

/** Takes the stream apart: buildx 0.13 writes objects over many lines, later ones on one. */
export class RawJsonReader {
  readonly #onStatus: (status: Status) => void;
  #object: string[] = [];
  #rest = "";
  #text = "";

  constructor(onStatus: (status: Status) => void) {
    this.#onStatus = onStatus;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Ends the stream. @returns what was no JSON: the words for a person. */
  end(): string {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
    for (const line of this.#object) this.#keep(line);
    this.#object = [];
    return this.#text.trim();
  }

  /** In the form over many lines an object ends with the only line that is just a closing brace. */
  #line(line: string): void {
    if (this.#object.length > 0) {
      this.#object.push(line);
      if (line !== "}") return;
      const text = this.#object.join("\n");
      this.#object = [];
      this.#parse(text);
    } else if (line === "{") this.#object.push(line);
    else if (line.startsWith("{")) this.#parse(line);
    else this.#keep(line);
  }

  #parse(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return this.#keep(text);
    }
    const message = messageSchema.safeParse(value);
    if (!message.success) return;
    const { vertexes, logs } = message.data;
    this.#onStatus({
      vertexes: (vertexes ?? []).map(({ digest, name, started, completed, cached, error }) => ({
        digest,
        name,
        started: started !== undefined,
        completed: completed !== undefined,
        cached,
        error,
      })),
      logs: (logs ?? []).map(({ vertex, data }) => ({ vertex, data: Buffer.from(data, "base64") })),
    });
  }

  #keep(line: string): void {
    this.#text = `${this.#text}${line}\n`.slice(-keptText);
  }
}
