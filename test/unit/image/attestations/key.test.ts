// Signing keys: which ones are taken, and that no message repeats a part of one.
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { makeKeyPair, readSigningKey } from "../../../../src/image/attestations/key.ts";
import { MlshipError } from "../../../../src/errors.ts";

const pem = (type: "ed25519" | "rsa" | "ec", curve = "P-384") => {
  const { privateKey } =
    type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: curve })
      : type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};

function refusal(text: string, password: string | null): MlshipError {
  try {
    readSigningKey(text, password, "team.key");
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
  throw new Error("the key was taken");
}

test.each([null, "correct horse"])("a pair that was made is read again, password %j", (password) => {
  const { privateKey, publicKey } = makeKeyPair(password);
  const key = readSigningKey(privateKey, password, "team.key");
  expect(key.publicKey).toBe(publicKey);
  expect(key.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(Buffer.from(key.hint, "base64").toString("hex")).toBe(key.fingerprint.slice("sha256:".length));
  expect(privateKey.includes("ENCRYPTED")).toBe(password !== null);
});

test("a key in SEC 1, as openssl ecparam writes it, is taken; a password that is not needed harms nothing", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = privateKey.export({ type: "sec1", format: "pem" }).toString();
  expect(readSigningKey(text, "unused", "team.key").publicKey).toContain("BEGIN PUBLIC KEY");
});

const { privateKey: locked } = makeKeyPair("right");
const { publicKey } = makeKeyPair(null);
const cosigns =
  "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYi\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";

test.each([
  ["an encrypted key without password", locked, null, "keys.locked"],
  ["a wrong password", locked, "wrong", "keys.wrong-password"],
  ["cosign's own form", cosigns, "x", "keys.sigstore-format"],
  ["a public key", publicKey, null, "keys.unreadable"],
  ["nothing", "", null, "keys.unreadable"],
  ["no key", "SECRETTEXT", null, "keys.unreadable"],
  ["a broken key", makeKeyPair(null).privateKey.replace(/M[A-Z]/, "!!"), null, "keys.unreadable"],
  ["P-384", pem("ec"), null, "keys.other-curve"],
  ["secp256k1", pem("ec", "secp256k1"), null, "keys.other-curve"],
  ["Ed25519", pem("ed25519"), null, "keys.other-curve"],
  ["RSA", pem("rsa"), null, "keys.other-curve"],
])("%s is refused", (_name, text, password, code) => {
  const error = refusal(text, password);
  expect(error).toMatchObject({ code, fix: expect.any(String) });
  const told = [error.what, error.why, error.fix, String(error.cause)].join(" ");
  for (const line of text.split("\n").filter((part) => part.length > 8)) expect(told).not.toContain(line);
  if (password !== null && password.length > 1) expect(told).not.toContain(`${password} `);
});
