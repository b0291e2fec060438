// numpy's .npy files: numbers, or a pickle behind a header that says so.
// Source: numpy/lib/format.py.
import { windowOf, type ByteSource } from "./bytes.ts";
import { Unreadable } from "./unreadable.ts";

/** Bytes; numpy itself refuses longer headers of files that it is not told to trust. */
const longestHeader = 1 << 16;
const magic = "\x93NUMPY";

/** Whether a file begins as numpy's do. */
export function isNpy(head: Buffer): boolean {
  return head.toString("latin1", 0, 6) === magic;
}

/**
 * The pickle behind the header of an array of objects; null for an array of numbers or texts.
 * @throws Unreadable for a header that numpy does not write.
 */
export function pickleInNpy(source: ByteSource): ByteSource | null {
  const head = source.read(0, Math.min(source.size, 12));
  const [major, minor] = [head[6], head[7]];
  if (!isNpy(head) || head.length < 12 || minor !== 0 || major === undefined || major < 1 || major > 3) {
    throw new Unreadable(0, "it is no numpy array of a known version");
  }
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8);
  if (length > longestHeader) throw new Unreadable(8, "its header is longer than any that numpy writes");
  const header = source.read(start, length).toString("latin1");
  const form =
    /^\{'descr': ('[^'\\]*'|\[[^\\]*\]), 'fortran_order': (?:True|False), 'shape': \((?:\d+(?:, ?\d+)*)?,?\), ?\} *\n$/.exec(
      header,
    );
  if (form === null) throw new Unreadable(start, "its header is not one that numpy writes");
  // A kind of O, alone or in a field, makes numpy unpickle what follows.
  const objects = /'[<>|=]?O/.test(form[1] ?? "");
  return objects ? windowOf(source, start + length, source.size - start - length) : null;
}
