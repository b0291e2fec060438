// The header line of a CSV file: its delimiter and the names as they are written.
import { open } from "node:fs/promises";

/** The first record of a CSV file. */
export interface Header {
  delimiter: string;
  names: string[];
}

const delimiters = [",", ";", "\t", "|"];
/** A header is at most this long: 10 000 names of 400 bytes. */
const longest = 4 * 1024 * 1024;

/** The start of a file, with at most `bytes` bytes. */
export async function readStart(file: string, bytes: number): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Reads the header record (RFC 4180 quoting, a byte order mark is skipped). The delimiter is the one of
 * comma, semicolon, tab and bar that stands most often outside quotes; comma when there is none.
 * DuckDB is told both, because its sniffer takes a ragged file for a file of one column and treats
 * names that differ only in case as equal.
 */
export async function readHeader(file: string, size: number): Promise<Header> {
  const text = (await readStart(file, Math.min(size, longest))).toString("utf8").replace(/^\u{FEFF}/u, "");
  return parseHeader(text);
}

/** As {@link readHeader}, on text. */
export function parseHeader(text: string): Header {
  const counts = new Map(delimiters.map((delimiter) => [delimiter, 0]));
  let quoted = false;
  let opened = false;
  let end = 0;
  for (; end < text.length; end++) {
    const letter = text.charAt(end);
    // A quote counts only in a field that begins with one: 5" is text.
    if (end === 0 || (!quoted && counts.has(text.charAt(end - 1)))) opened = letter === '"';
    if (letter === '"' && opened) quoted = !quoted;
    else if (!quoted && (letter === "\n" || letter === "\r")) break;
    else if (!quoted && counts.has(letter)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  let delimiter = ",";
  for (const [candidate, count] of counts) if (count > (counts.get(delimiter) ?? 0)) delimiter = candidate;
  return { delimiter, names: splitRecord(text.slice(0, end), delimiter) };
}

function splitRecord(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = "";
  let quoted = false;
  let opened = false;
  for (let at = 0; at < record.length; at++) {
    const letter = record.charAt(at);
    if (at === 0 || (!quoted && record.charAt(at - 1) === delimiter)) opened = letter === '"';
    if (letter === '"' && opened) {
      // Two quotes inside a quoted field stand for one.
      if (quoted && record.charAt(at + 1) === '"') field += record.charAt(at++);
      else quoted = !quoted;
    } else if (letter === delimiter && !quoted) {
      fields.push(field);
      field = "";
    } else {
      field += letter;
    }
  }
  return [...fields, field];
}
