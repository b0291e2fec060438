// Keys that sign: read from PEM, checked to be P-256, named by a fingerprint.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { Signer } from "./dsse.ts";

/** A pair as it is written to disk. */
export interface KeyTexts {
  /** PKCS#8 PEM, encrypted when there was a password. */
  privateKey: string;
  /** SubjectPublicKeyInfo PEM: what verifiers are given. */
  publicKey: string;
}

/** A private key that signs, and what the world may know of it. */
export interface SigningKey extends Signer {
  /** SubjectPublicKeyInfo PEM. */
  readonly publicKey: string;
  /** SHA-256 of the public key's DER. */
  readonly fingerprint: Digest;
}

/** Makes an ECDSA P-256 pair. @param password encrypts the private key (AES-256); null leaves it plain. */
export function makeKeyPair(password: string | null): KeyTexts {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encryption = password === null ? {} : { cipher: "aes-256-cbc", passphrase: password };
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString(),
    publicKey: publicPem(publicKey),
  };
}

/**
 * Reads a private key. No message holds any part of it.
 * @param where what it was read from, for messages: a file or a variable
 * @throws MlshipError `keys.locked`, `keys.wrong-password` (exit 5), `keys.unreadable`, `keys.other-curve`,
 *   `keys.sigstore-format` (exit 2)
 */
export function readSigningKey(pem: string, password: string | null, where: string): SigningKey {
  if (/-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----/.test(pem)) throw sigstoreFormat(where);
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (encrypted && password === null) throw locked(where);
  const key = parse(pem, encrypted ? password : null, where);
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw notP256(where, key);
  }
  const publicKey = createPublicKey(key);
  const hash = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
  return {
    publicKey: publicPem(publicKey),
    fingerprint: `sha256:${hash.toString("hex")}`,
    hint: hash.toString("base64"),
    sign: (bytes) => sign("sha256", bytes, { key, dsaEncoding: "der" }),
  };
}

function parse(pem: string, password: string | null, where: string): KeyObject {
  try {
    return createPrivateKey({
      key: pem,
      format: "pem",
      ...(password === null ? {} : { passphrase: password }),
    });
  } catch {
    // OpenSSL's own words are not passed on: they help nobody, and came from the key.
    if (password !== null) throw wrongPassword(where);
    throw new MlshipError({
      code: "keys.unreadable",
      what: `${where} holds no private key that can be read`,
      fix: "give a private key in PEM (PKCS#8 or SEC 1), such as mlship keys new makes",
      exit: "usage",
    });
  }
}

function publicPem(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

function locked(where: string): MlshipError {
  return new MlshipError({
    code: "keys.locked",
    what: `${where} is encrypted, and there is no password`,
    fix: "put the password into the environment variable MLSHIP_KEY_PASSWORD",
    exit: "unavailable",
  });
}

function wrongPassword(where: string): MlshipError {
  return new MlshipError({
    code: "keys.wrong-password",
    what: `MLSHIP_KEY_PASSWORD does not open ${where}`,
    fix: "correct the environment variable MLSHIP_KEY_PASSWORD",
    exit: "unavailable",
  });
}

function notP256(where: string, key: KeyObject): MlshipError {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return new MlshipError({
    code: "keys.other-curve",
    what: `${where} is not an ECDSA key on the curve P-256`,
    why: `it is of type ${key.asymmetricKeyType ?? "unknown"}${curve === undefined ? "" : `, curve ${curve}`}`,
    fix: "make a key with mlship keys new",
    exit: "usage",
  });
}

function sigstoreFormat(where: string): MlshipError {
  return new MlshipError({
    code: "keys.sigstore-format",
    what: `${where} is a private key in cosign's own encrypted form`,
    why: "that form needs a cipher that mlship does not carry",
    fix: "make a key with mlship keys new; cosign verifies with its public key as well",
    exit: "usage",
  });
}
