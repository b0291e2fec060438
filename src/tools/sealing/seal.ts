// Seals and opens whole objects, in memory or from file to file with one frame in memory at a time.
import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { digestBytes, type Digest } from "../../digest.ts";
import {
  Frames,
  Tampered,
  frameSize,
  framesOf,
  headerOf,
  headerSize,
  plainSize,
  sealedFrameSize,
} from "./format.ts";

/** Seals bytes under an object's name. */
export function sealBytes(storeKey: Uint8Array, name: string, plain: Uint8Array): Buffer {
  const header = headerOf(storeKey, name, digestBytes(plain));
  const frames = new Frames(storeKey, name, header);
  const count = framesOf(plain.length);
  const sealed = Array.from({ length: count }, (_, number) =>
    frames.seal(plain.subarray(number * frameSize, (number + 1) * frameSize), number, number === count - 1),
  );
  return Buffer.concat([header, ...sealed]);
}

/** @throws Tampered, OtherKey */
export function openBytes(storeKey: Uint8Array, name: string, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const frames = new Frames(storeKey, name, bytes.subarray(0, headerSize));
  const count = framesIn(bytes.length);
  const plain = Array.from({ length: count }, (_, number) => {
    const start = headerSize + number * sealedFrameSize;
    return frames.open(bytes.subarray(start, start + sealedFrameSize), number, number === count - 1);
  });
  return Buffer.concat(plain);
}

/**
 * Seals a file into a new one that only this user can read.
 * @param plain what the file was digested to
 * @returns the digest of the sealed file; null when the file has other bytes by now
 */
export async function sealFile(
  storeKey: Uint8Array,
  name: string,
  plain: { file: string; size: number; digest: Digest },
  to: string,
): Promise<Digest | null> {
  const header = headerOf(storeKey, name, plain.digest);
  const frames = new Frames(storeKey, name, header);
  const count = framesOf(plain.size);
  const [read, written] = [createHash("sha256"), createHash("sha256")];
  await using source = await open(plain.file, "r");
  await using target = await open(to, "wx", 0o600);
  written.update(header);
  await target.writeFile(header);
  for (let number = 0; number < count; number++) {
    const from = number * frameSize;
    const bytes = await readAt(source, from, Math.min(frameSize, plain.size - from));
    read.update(bytes);
    const sealed = frames.seal(bytes, number, number === count - 1);
    written.update(sealed);
    await target.writeFile(sealed);
  }
  const { size } = await source.stat();
  const isSame = size === plain.size && `sha256:${read.digest("hex")}` === plain.digest;
  return isSame ? `sha256:${written.digest("hex")}` : null;
}

/** Opens a sealed file into another one. @throws Tampered, OtherKey; part of it may be written by then. */
export async function openFile(
  storeKey: Uint8Array,
  name: string,
  sealed: string,
  to: string,
): Promise<void> {
  await using source = await open(sealed, "r");
  const { size } = await source.stat();
  const frames = new Frames(storeKey, name, await readAt(source, 0, headerSize));
  const count = framesIn(size);
  await using target = await open(to, "w", 0o644);
  for (let number = 0; number < count; number++) {
    const bytes = await readAt(source, headerSize + number * sealedFrameSize, sealedFrameSize);
    await target.writeFile(frames.open(bytes, number, number === count - 1));
  }
}

/** @throws Tampered */
function framesIn(stored: number): number {
  const size = plainSize(stored);
  if (size === null) throw new Tampered("it was cut off");
  return framesOf(size);
}

/** The bytes from an offset; fewer where the file ends before. */
async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
