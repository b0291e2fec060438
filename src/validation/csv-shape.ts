// Reads a CSV file once before anything is guessed: its records, what its columns look like, its digest.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Digest } from "../digest.ts";
import { CsvScan, type Fault } from "./csv-scan.ts";

/** The shape of a CSV file, or the first place where it breaks. */
export type CsvShape =
  | { records: number; columns: Uint8Array; digest: Digest; fault: null }
  | (Fault & { records?: never });

/** What is read at once. */
const chunkBytes = 1024 * 1024;

/**
 * Reads the bytes of a file and counts its records, the header among them, without blank lines.
 * DuckDB's strict reader loses the rows of files with two kinds of line ends, and its lenient one fills
 * or cuts records of another length without a word; with this check before it the lenient one can be
 * trusted.
 * @param missing as in {@link CsvScan}.
 */
export async function readCsvShape(
  file: string,
  { delimiter, fields, missing }: { delimiter: string; fields: number; missing: readonly string[] },
): Promise<CsvShape> {
  const scan = new CsvScan(delimiter, fields, missing);
  const hash = createHash("sha256");
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    // What the scan has left of the chunk before.
    let left = 0;
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead } = await handle.read(buffer, left, chunkBytes - left, null);
      if (bytesRead === 0) break;
      const end = left + bytesRead;
      hash.update(buffer.subarray(left, end));
      // A byte order mark belongs to no field: a quote right behind it opens one.
      const from = isFirst && buffer.subarray(0, Math.min(3, end)).equals(mark) ? mark.length : 0;
      const read = from + scan.read(buffer.subarray(from, end));
      if (scan.fault) return scan.fault;
      left = buffer.copy(buffer, 0, read, end);
    }
    scan.finish(buffer.subarray(0, left));
  } finally {
    await handle.close();
  }
  if (scan.fault) return scan.fault;
  return {
    records: scan.records,
    columns: scan.columns,
    digest: `sha256:${hash.digest("hex")}`,
    fault: null,
  };
}

const mark = Buffer.from([0xef, 0xbb, 0xbf]);
