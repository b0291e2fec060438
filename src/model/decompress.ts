// Undoes the compression that joblib puts around a pickle, within a bound.
import { gunzipSync, inflateSync } from "node:zlib";
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import { bytesOf, type ByteSource } from "./bytes.ts";
import { quote } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";

/** Compressions by what a file begins with, as joblib tells them apart. */
export type Compression = "zlib" | "gzip" | "bzip2" | "xz" | "lzma" | "lz4";

/** Bytes; what a compressed model may take in memory. */
const mostBytes = 2 ** 30;

/** The compression of a file that begins with these bytes; null when there is none. */
export function compressionOf(head: Uint8Array): Compression | null {
  const [a = 0, b = 0, c = 0] = head;
  // A preset dictionary (0x20) is in no model, and "x " begins many a text.
  if (a === 0x78 && (a * 256 + b) % 31 === 0 && (b & 0x20) === 0) return "zlib";
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (a === 0x42 && b === 0x5a) return "bzip2";
  if (a === 0xfd && b === 0x37 && c === 0x7a) return "xz";
  if (a === 0x5d && b === 0) return "lzma";
  return a === 0x04 && b === 0x22 && c === 0x4d ? "lz4" : null;
}

/** What zlib's synchronous functions return when asked for `info`. */
export const inflated = z.object({
  buffer: z.instanceof(Buffer),
  engine: z.object({ bytesWritten: z.number() }),
});

/**
 * The bytes inside a compressed file.
 * @throws Unreadable when the compressed data are damaged or something follows them.
 * @throws MlshipError `model.compression` for a compression that mlship does not undo, or for more
 *   than `limit` bytes inside, 1 GiB if not said otherwise; exit "usage".
 */
export function decompress(
  source: ByteSource,
  compression: Compression,
  file: string,
  limit = mostBytes,
): ByteSource {
  if (compression !== "zlib" && compression !== "gzip") {
    throw refuse(`${quote(file)} is compressed with ${compression}, which mlship does not read`);
  }
  if (source.size > mostBytes) throw refuse(`${quote(file)} is larger than 1 GiB and compressed`);
  const undo = compression === "zlib" ? inflateSync : gunzipSync;
  const { buffer, engine } = inflate(undo, source, file, limit);
  // Python's reader would go on with a second stream where zlib stops, so there must be none.
  if (engine.bytesWritten !== source.size) {
    throw new Unreadable(engine.bytesWritten, "something follows its compressed data");
  }
  return bytesOf(buffer);
}

function inflate(
  undo: typeof inflateSync,
  source: ByteSource,
  file: string,
  limit: number,
): z.infer<typeof inflated> {
  const input = source.read(0, source.size);
  try {
    return inflated.parse(undo(input, { maxOutputLength: limit, info: true }));
  } catch (error) {
    if (error instanceof RangeError)
      throw refuse(`${quote(file)} holds more than ${limit} bytes when decompressed`);
    if (error instanceof z.ZodError) throw error;
    throw new Unreadable(0, "its compressed data are damaged or cut short");
  }
}

function refuse(what: string): MlshipError {
  return new MlshipError({
    code: "model.compression",
    what,
    fix: "save it again without compression: joblib.dump(model, path, compress=0)",
    exit: "usage",
  });
}
