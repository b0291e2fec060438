// Checks that every record of a CSV file has as many fields as its header, before anything is guessed.
import { createReadStream } from "node:fs";
import { readStart } from "./header.ts";

/** The shape of a CSV file, or the first place where it breaks. Lines count from 1. */
export type CsvShape = { records: number; fault: null } | { fault: string; line: number };

const code = { lineFeed: 10, carriageReturn: 13, quote: 34 };

/**
 * Reads the bytes of a file once and counts its records, the header among them, without blank lines.
 * Quoting is that of RFC 4180: a quote opens a field only at its start. DuckDB's strict reader loses the
 * rows of files with two kinds of line ends, and its lenient one fills or cuts records of another length
 * without a word; with this check before it the lenient one can be trusted.
 */
export async function readCsvShape(file: string, delimiter: string, fields: number): Promise<CsvShape> {
  const scan = new Scan(delimiter.charCodeAt(0), fields);
  // A byte order mark belongs to no field: a quote right behind it opens one.
  const marked = (await readStart(file, 3)).equals(Buffer.from([0xef, 0xbb, 0xbf]));
  for await (const chunk of createReadStream(file, { start: marked ? 3 : 0, highWaterMark: 1024 * 1024 })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a file without encoding gives bytes");
    scan.read(chunk);
    if (scan.fault) return scan.fault;
  }
  scan.finish();
  return scan.fault ?? { records: scan.records, fault: null };
}

/** One pass over bytes. In UTF-8 no byte of a longer character equals a delimiter, quote or line end. */
class Scan {
  records = 0;
  fault: { fault: string; line: number } | null = null;
  readonly #delimiter: number;
  readonly #expected: number;
  #state: "start" | "plain" | "quoted" | "closed" = "start";
  #fields = 1;
  #empty = true;
  #line = 1;
  /** Line on which the current record begins. */
  #began = 1;
  #last = 0;

  constructor(delimiter: number, expected: number) {
    this.#delimiter = delimiter;
    this.#expected = expected;
  }

  read(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const ends = byte === code.lineFeed || byte === code.carriageReturn;
      // The second byte of CR LF ends nothing more.
      const second = byte === code.lineFeed && this.#last === code.carriageReturn;
      if (ends && !second) this.#line++;
      this.#last = byte;
      if (this.#state === "quoted") {
        if (byte === code.quote) this.#state = "closed";
      } else if (ends) {
        if (second) this.#began = this.#line;
        else this.#endRecord();
        if (this.fault) return;
      } else if (byte === this.#delimiter) {
        this.#fields++;
        this.#empty = false;
        this.#state = "start";
      } else {
        const opens = byte === code.quote && this.#state !== "plain";
        this.#state = opens ? "quoted" : "plain";
        this.#empty = false;
      }
    }
  }

  finish(): void {
    if (this.#state === "quoted") {
      this.fault = {
        fault: "a quote that opens in the record on this line is never closed",
        line: this.#began,
      };
    } else {
      this.#endRecord();
    }
  }

  #endRecord(): void {
    const fields = this.#fields;
    if (!this.#empty) {
      this.records++;
      if (fields !== this.#expected) {
        this.fault = {
          fault: `the header has ${this.#expected} fields, this record has ${fields}`,
          line: this.#began,
        };
      }
    }
    this.#fields = 1;
    this.#empty = true;
    this.#state = "start";
    this.#began = this.#line;
  }
}
