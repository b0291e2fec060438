// Reads the bytes of a CSV file: its records, what its columns look like, its digest.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Digest } from "../digest.ts";
import { CsvScan, type Fault } from "./csv-scan.ts";
import { readStart } from "./header.ts";

/** How the records of a CSV file are written. */
export interface CsvLayout {
  delimiter: string;
  /** Of each record. */
  fields: number;
  /** As in {@link CsvScan}. */
  missing: readonly string[];
}

/** What the fields of a CSV file look like; see {@link CsvScan}. */
export type CsvLooks = Pick<CsvScan, "columns" | "words">;

/** The shape of a CSV file, or the first place where it breaks. */
export type CsvShape =
  | (CsvLooks & { records: number; digest: Digest; fault: null })
  | (Fault & { records?: never });

/** What is read at once: little enough that whatever else waits for this thread gets its turn. */
const chunkBytes = 256 * 1024;
/** Some hundred records tell most files. */
const startBytes = 64 * 1024;

/** What the first records look like. */
export async function readLooks(file: string, layout: CsvLayout): Promise<CsvLooks> {
  const scan = new CsvScan(layout.delimiter, layout.fields, layout.missing);
  scan.read(withoutMark(await readStart(file, startBytes)));
  return scan;
}

/**
 * Reads the bytes of a file and counts its records, the header among them, without blank lines.
 * DuckDB's strict reader loses the rows of files with two kinds of line ends, and its lenient one fills
 * or cuts records of another length without a word; with this check before it the lenient one can be
 * trusted.
 */
export async function readCsvShape(
  file: string,
  { delimiter, fields, missing }: CsvLayout,
  signal?: AbortSignal,
): Promise<CsvShape> {
  const scan = new CsvScan(delimiter, fields, missing);
  const hash = createHash("sha256");
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    // What the scan has left of the chunk before.
    let left = 0;
    for (let isFirst = true; ; isFirst = false) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, left, chunkBytes - left, null);
      if (bytesRead === 0) break;
      const end = left + bytesRead;
      hash.update(buffer.subarray(left, end));
      const bytes = buffer.subarray(0, end);
      const text = isFirst ? withoutMark(bytes) : bytes;
      const unread = text.length - scan.read(text);
      if (scan.fault) return scan.fault;
      left = buffer.copy(buffer, 0, end - unread, end);
    }
    scan.finish(buffer.subarray(0, left));
  } finally {
    await handle.close();
  }
  if (scan.fault) return scan.fault;
  return {
    records: scan.records,
    columns: scan.columns,
    words: scan.words,
    digest: `sha256:${hash.digest("hex")}`,
    fault: null,
  };
}

const mark = Buffer.from([0xef, 0xbb, 0xbf]);

/** A byte order mark belongs to no field: a quote right behind it opens one. */
function withoutMark(start: Buffer): Buffer {
  return start.subarray(0, mark.length).equals(mark) ? start.subarray(mark.length) : start;
}
