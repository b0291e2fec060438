// Takes a body apart that was sent in chunks of its own with checksums behind it (`aws-chunked`, unsigned).
import { Refusal } from "./refusal.ts";

/** @returns the bytes, and the headers behind them. */
export function unchunk(body: Buffer): { bytes: Buffer; trailer: Record<string, string> } {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    const length = /^([0-9a-f]+)$/i.exec(body.toString("latin1", at, Math.max(lineEnd, at)))?.[1];
    if (length === undefined) throw new Refusal(400, "IncompleteBody", "A chunk's length is missing");
    const size = Number.parseInt(length, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (body.toString("latin1", at + size, at + size + 2) !== "\r\n") {
      throw new Refusal(400, "IncompleteBody", "A chunk is shorter than its length");
    }
    pieces.push(body.subarray(at, at + size));
    at += size + 2;
  }
  const lines = body.toString("latin1", at).split("\r\n");
  const trailer = Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()]];
    }),
  );
  return { bytes: Buffer.concat(pieces), trailer };
}
