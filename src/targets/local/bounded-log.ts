// A log file that cannot fill the disk, and that never makes its writers wait.
import { appendFile, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { failedWith } from "./durable.ts";

/** Bytes after which the file is set aside as `<file>.1`; a revision's logs take twice that at most. */
const fileBytes = 5 * 1024 * 1024;
/** Bytes that wait for the disk; what comes beyond is dropped and counted. */
const waitingBytes = 256 * 1024;
/** Characters of a line that are kept. */
const lineLength = 4096;

/** Lines of one log, written in order by one writer at a time. */
export class BoundedLog {
  readonly #file: string;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #writing: Promise<void> | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Takes a line; it is on the disk soon. */
  write(line: string): void {
    const kept = line.length > lineLength ? `${line.slice(0, lineLength)}…` : line;
    if (this.#bytes + kept.length > waitingBytes) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(kept);
    this.#bytes += kept.length + 1;
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything taken so far has been written or given up. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      if (this.#dropped > 0) lines.push(`mlship: ${this.#dropped} log lines dropped`);
      try {
        await this.#append(`${lines.join("\n")}\n`);
        this.#dropped = 0;
      } catch {
        // A full disk must not stop a server that answers: the loss is told once lines can be written.
        this.#dropped += lines.length;
      }
    }
    this.#writing = null;
  }

  async #append(text: string): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    if ((await sizeOf(this.#file)) + text.length > fileBytes) await rename(this.#file, `${this.#file}.1`);
    await appendFile(this.#file, text, { mode: 0o600 });
  }
}

/** Last lines of a log, oldest first; empty when there is none. */
export async function lastLines(file: string, lines: number): Promise<string> {
  const current = await tail(file);
  const text = current.split("\n").length > lines ? current : (await tail(`${file}.1`)) + current;
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

async function tail(file: string): Promise<string> {
  const size = await sizeOf(file);
  if (size === 0) return "";
  const handle = await open(file, "r");
  try {
    const length = Math.min(size, waitingBytes);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(length),
      position: size - length,
    });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    if (failedWith(cause, "ENOENT")) return 0;
    throw cause;
  }
}
