import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { refuseSecrets, secretContent, secretName } from "../../../../src/image/plan/secrets.ts";

/** Put together here, so that no scanner takes this file for a leak. */
const keys: [string, string][] = [
  ["a private key", ["-----BEGIN", "RSA PRIVATE KEY-----"].join(" ")],
  ["a private key", ["-----BEGIN", "PRIVATE KEY-----"].join(" ")],
  ["a key of AWS", `AKIA${"A1".repeat(8)}`],
  ["a key of AWS", `aws_secret_access_key = ${"a/B+".repeat(10)}`],
  ["a token of GitHub", `ghp_${"a".repeat(36)}`],
  ["a token of Hugging Face", `hf_${"b".repeat(34)}`],
  ["a token of GitLab", `glpat-${"c".repeat(20)}`],
  ["a key of Google", `AIza${"d".repeat(35)}`],
];

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each(keys)("%s is found wherever pieces of the stream part it", async (about, key) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(600),
      fc.nat(600),
      fc.integer({ min: 1, max: 400 }),
      async (before, after, size) => {
        const bytes = Buffer.from(`${".".repeat(before)}\n${key}\n${".".repeat(after)}`);
        expect(await secretContent(pieces(bytes, size))).toBe(about);
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  "AKIA",
  "AKIAlowercase0000000",
  "ghp_short",
  "-----BEGIN CERTIFICATE-----",
  "-----BEGIN PUBLIC KEY-----",
  "hf_model",
])("%s is none", async (text) => {
  expect(await secretContent(pieces(Buffer.from(`x ${text} y`), 7))).toBe(null);
});

test.each([
  ".env",
  "a/.env.production",
  "id_ed25519",
  "tls.key",
  "server.pem",
  "credentials.json",
  ".netrc",
  "kubeconfig",
])("%s is a secret by its name", (name) => expect(secretName(name)).not.toBe(null));

test.each([
  "model.joblib",
  "environment.json",
  "handler.py",
  "keys.txt",
  "tokenizer.json",
  "monkey",
  "id_mapping.csv",
])("%s is none by its name", (name) => expect(secretName(name)).toBe(null));

test("all files with a secret are named, and no secret is repeated", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "mlship-secrets-"));
  const [, [, second], , , [, token]] = keys as [
    unknown,
    [string, string],
    unknown,
    unknown,
    [string, string],
  ];
  const write = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text);
    return { path: name, from: path.join(folder, name) };
  };
  const files = [
    await write("model.bin", "fine"),
    await write("notes.txt", second),
    await write("handler.py", token),
  ];
  await expect(refuseSecrets(files.slice(0, 1))).resolves.toBe(undefined);
  const error: unknown = await refuseSecrets(files).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: "image.secret",
    exit: "usage",
    problems: [
      { what: "notes.txt looks like a private key" },
      { what: "handler.py looks like a token of GitHub" },
    ],
  });
  expect(JSON.stringify(error)).not.toContain(token);
});
