// How a sealed object looks: a header, then frames of at most 1 MiB, each encrypted and authenticated by itself.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import type { Digest } from "../../digest.ts";

const magic = Buffer.from("mlship\u0001\n");
const idSize = 16;
const saltSize = 32;
const tagSize = 16;

/** Bytes before the first frame: magic, id of the store's key, salt. */
export const headerSize = magic.length + idSize + saltSize;

/** Bytes of a frame's plaintext; the last frame has fewer. */
export const frameSize = 1024 * 1024;

/** Bytes of a frame as it is stored. */
export const sealedFrameSize = frameSize + tagSize;

/** A sealed object is not what was sealed under its name. */
export class Tampered extends Error {}

/** A sealed object belongs to another key. */
export class OtherKey extends Error {}

/** Frames of a plaintext; an empty one has one, so that it is authenticated too. */
export function framesOf(size: number): number {
  return Math.max(1, Math.ceil(size / frameSize));
}

/** Bytes that a plaintext takes when it is sealed. */
export function sealedSize(size: number): number {
  return headerSize + size + framesOf(size) * tagSize;
}

/** Bytes of the plaintext in the first `stored` bytes of a sealed object, as far as they can be told. */
export function plainWithin(stored: number): number {
  const sealed = stored - headerSize;
  return Math.max(0, sealed - Math.ceil(sealed / sealedFrameSize) * tagSize);
}

/** Bytes of the plaintext in a sealed object; null for a size that none has. */
export function plainSize(stored: number): number | null {
  const size = plainWithin(stored);
  return sealedSize(size) === stored ? size : null;
}

/** Whether bytes begin as a sealed object does. */
export function isSealed(start: Uint8Array): boolean {
  return magic.equals(start.subarray(0, magic.length));
}

/** What a key may be called in public: nobody can tell the key from it. */
export function idOf(storeKey: Uint8Array): Buffer {
  return createHmac("sha256", storeKey).update("mlship key id").digest().subarray(0, idSize);
}

/**
 * The header for an object. The salt follows from key, name and content, so that sealing again gives
 * the same bytes: an upload that was cut can go on, and two writers of one object agree.
 */
export function headerOf(storeKey: Uint8Array, name: string, plain: Digest): Buffer {
  const salt = createHmac("sha256", storeKey).update(`mlship salt\n${name}\n${plain}`).digest();
  return Buffer.concat([magic, idOf(storeKey), salt]);
}

/**
 * Encrypts and decrypts the frames of one object with AES-256-GCM. Each object has a key of its own,
 * from the store's key, its salt and its name (HKDF, RFC 5869); a frame's nonce is its number and
 * whether it is the last (STREAM, Hoang, Reyhanitabar, Rogaway and Vizár 2015). Frames that are
 * missing, swapped, repeated or another object's are found, and none is given out unauthenticated.
 */
export class Frames {
  readonly #header: Buffer;
  readonly #key: Buffer;

  /** @throws Tampered, OtherKey for a header that is not of this key */
  constructor(storeKey: Uint8Array, name: string, header: Buffer) {
    if (header.length !== headerSize || !isSealed(header)) throw new Tampered("it is not encrypted");
    const id = header.subarray(magic.length, magic.length + idSize);
    if (!id.equals(idOf(storeKey))) throw new OtherKey();
    const salt = header.subarray(magic.length + idSize);
    this.#header = header;
    this.#key = Buffer.from(hkdfSync("sha256", storeKey, salt, `mlship object\n${name}`, 32));
  }

  seal(plain: Uint8Array, number: number, isLast: boolean): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonceOf(number, isLast));
    cipher.setAAD(this.#header);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws Tampered */
  open(sealed: Buffer, number: number, isLast: boolean): Buffer {
    if (sealed.length < tagSize) throw new Tampered("it was cut off");
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonceOf(number, isLast), {
      authTagLength: tagSize,
    });
    decipher.setAAD(this.#header);
    decipher.setAuthTag(sealed.subarray(-tagSize));
    const plain = decipher.update(sealed.subarray(0, -tagSize));
    try {
      decipher.final();
    } catch {
      throw new Tampered("its bytes are not those that were encrypted under its name");
    }
    return plain;
  }
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number, 7);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
