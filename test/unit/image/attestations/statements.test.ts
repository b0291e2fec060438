// What attest says of an image: about which digests, in which order, signed or not, and always the same.
import { assert, json, pre, property, string, uint8Array } from "fast-check";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { attest, dropAttestations, writeAttestations } from "../../../../src/image/attestations/attest.ts";
import { preAuthEncoding } from "../../../../src/image/attestations/dsse.ts";
import { makeKeyPair, readSigningKey } from "../../../../src/image/attestations/key.ts";
import { attestationManifest, readAttestation } from "../../../../src/image/attestations/manifest.ts";
import type { Statement } from "../../../../src/image/attestations/statement.ts";
import { digestBytes } from "../../../../src/digest.ts";
import { makeFacts, makeReport } from "./facts.ts";

const pair = makeKeyPair(null);
const key = readSigningKey(pair.privateKey, null, "key");
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const statements = (facts = makeFacts()): (Statement & { file: string })[] =>
  attest(facts, null).map(({ bytes, record }) => ({
    ...(JSON.parse(textOf(bytes)) as Statement),
    file: record.file,
  }));
const subjects = (statement: Statement | undefined) =>
  statement?.subject.map(({ digest }) => `sha256:${digest.sha256}`);

test("bills of materials are about their platform, the rest is about the whole image", () => {
  const facts = makeFacts();
  const [amd64, arm64] = facts.image.images.map(({ manifest }) => manifest);
  const said = statements(facts);
  expect(said.map(({ file }) => file)).toEqual([
    "attestations/cyclonedx-linux-amd64.intoto.json",
    "attestations/cyclonedx-linux-arm64.intoto.json",
    "attestations/test-result.intoto.json",
    "attestations/provenance.intoto.json",
    "attestations/spdx-linux-amd64.intoto.json",
    "attestations/spdx-linux-arm64.intoto.json",
  ]);
  expect(said.map(subjects)).toEqual([
    [amd64],
    [arm64],
    [facts.image.digest, amd64, arm64],
    [facts.image.digest, amd64, arm64],
    [amd64],
    [arm64],
  ]);
});

test("an image of one platform is named once", () => {
  const digest = digestBytes("one");
  for (const statement of statements(makeFacts(digest, [digest])))
    expect(subjects(statement)).toEqual([digest]);
});

test("equal facts give equal bytes", () => {
  expect(attest(makeFacts(), null)).toEqual(attest(makeFacts(), null));
});

test("every bundle verifies by the public key, over its type and its very bytes", () => {
  for (const { bytes, record } of attest(makeFacts(), key)) {
    const { dsseEnvelope, verificationMaterial } = JSON.parse(textOf(bytes));
    const payload = Buffer.from(dsseEnvelope.payload, "base64");
    const signature = Buffer.from(dsseEnvelope.signatures[0].sig, "base64");
    const valid = (type: string, content: Buffer) =>
      verify("sha256", preAuthEncoding(type, content), createPublicKey(pair.publicKey), signature);
    expect(valid(dsseEnvelope.payloadType, payload)).toBe(true);
    expect(valid("text/plain", payload)).toBe(false);
    expect(valid(dsseEnvelope.payloadType, Buffer.concat([payload, Buffer.from(" ")]))).toBe(false);
    expect(verificationMaterial.publicKey.hint).toBe(key.hint);
    expect(record).toMatchObject({ signed: true, digest: digestBytes(bytes) });
    expect(JSON.stringify(bytes)).not.toContain("PRIVATE");
  }
});

test("nothing can move between the type and the payload of what is signed", () => {
  assert(
    property(string(), uint8Array(), string(), uint8Array(), (typeA, a, typeB, b) => {
      const same = typeA === typeB && Buffer.from(a).equals(Buffer.from(b));
      pre(typeA.isWellFormed() && typeB.isWellFormed());
      expect(Buffer.from(preAuthEncoding(typeA, a)).equals(Buffer.from(preAuthEncoding(typeB, b)))).toBe(
        same,
      );
    }),
  );
  expect(textOf(preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world")))).toBe(
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
});

test("the validation names gates and data; only a pass is PASSED", () => {
  const passed = statements().find(({ file }) => file.includes("test-result"));
  expect(passed?.predicate).toMatchObject({
    result: "PASSED",
    passedTests: ["accuracy.min"],
    warnedTests: ["f1.maxDrop"],
    failedTests: [],
  });
  const { gates } = makeReport();
  for (const verdict of ["fail", "inconclusive"] as const) {
    const report = makeReport({ verdict, gates: gates.map((gate) => ({ ...gate, status: "error" })) });
    const facts = makeFacts(digestBytes("index"), [digestBytes("amd64")], report);
    const failed = statements(facts).find(({ file }) => file.includes("test-result"));
    expect(failed?.predicate).toMatchObject({
      result: "FAILED",
      passedTests: [],
      failedTests: ["accuracy.min", "f1.maxDrop"],
    });
  }
});

test("provenance names commit, base, lock, model and report", () => {
  const facts = makeFacts();
  const provenance = statements(facts).find(({ file }) => file.includes("provenance"));
  const text = JSON.stringify(provenance?.predicate);
  const named = [...Object.values(facts.image.evidence), facts.plan.base.digest, facts.lock.inputs.server];
  for (const digest of named) expect(text).toContain(digest.slice("sha256:".length));
  expect(provenance?.predicate).toHaveProperty("buildDefinition.resolvedDependencies.6", {
    name: "source",
    uri: "git+https://github.com/acme/fraud@0123456789abcdef0123456789abcdef01234567",
    digest: { gitCommit: "0123456789abcdef0123456789abcdef01234567" },
    annotations: { dirty: true },
  });
  const plan = { ...facts.plan, volatile: { revision: null, source: null } };
  expect(JSON.stringify(statements({ ...facts, plan }))).not.toContain("gitCommit");
});

test("what was not built from these documents is not attested", () => {
  const facts = makeFacts();
  const other = { ...facts, report: makeReport({ verdict: "fail" }) };
  expect(() => attest(other, key)).toThrow(expect.objectContaining({ code: "image.other-evidence" }));
  const plan = { ...facts.plan, evidence: { ...facts.plan.evidence, lock: digestBytes("other") } };
  expect(() => attest({ ...facts, plan }, key)).toThrow(
    "the plan at hand is not what the image was built from",
  );
});

test.each([null, key])("an artifact for the registry refers to its image and holds the file", (signer) => {
  const facts = makeFacts();
  for (const { bytes, record } of attest(facts, signer)) {
    const { subject, signed, predicateType } = readAttestation(bytes);
    const descriptor = { mediaType: "application/vnd.oci.image.index.v1+json", digest: subject, size: 7 };
    const { manifest, blobs } = attestationManifest(bytes, descriptor);
    const text = JSON.parse(textOf(manifest.bytes));
    expect(text).toMatchObject({
      subject: descriptor,
      layers: [{ digest: record.digest, size: bytes.length }],
    });
    expect(text.artifactType).toBe(text.layers[0].mediaType);
    expect(blobs.map(({ digest }) => digest)).toEqual([text.config.digest, record.digest]);
    expect(manifest.digest).toBe(digestBytes(manifest.bytes));
    expect({ signed, predicateType }).toEqual({
      signed: signer !== null,
      predicateType: record.predicateType,
    });
    expect(Object.values(text.annotations)).toContain(predicateType);
    expect(() => attestationManifest(bytes, { ...descriptor, digest: digestBytes("another") })).toThrow(
      expect.objectContaining({ code: "image.bad-attestation" }),
    );
  }
});

test("what is no attestation is refused", () => {
  const documents = [
    "",
    "{}",
    "[]",
    "null",
    "\0",
    '{"subject":[],"predicateType":"x"}',
    '{"subject":[{"digest":{"sha256":"zz"}}],"predicateType":"x"}',
  ];
  for (const text of documents) {
    expect(() => readAttestation(Buffer.from(text)), text).toThrow(
      expect.objectContaining({ code: "image.bad-attestation" }),
    );
  }
  assert(
    property(json(), (text) => {
      expect(() => readAttestation(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: "image.bad-attestation" }),
      );
    }),
  );
});

test("new files lie beside those of before until their record is written", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-attest-"));
  const names = () => readdirSync(path.join(folder, "attestations")).toSorted();
  const namesOf = (made: ReturnType<typeof attest>) => made.map(({ record }) => path.basename(record.file));
  try {
    const plain = attest(makeFacts(), null);
    await writeAttestations(folder, plain);
    const made = attest(makeFacts(), key);
    await writeAttestations(folder, made);
    expect(names()).toEqual([...namesOf(plain), ...namesOf(made)].toSorted());
    writeFileSync(path.join(folder, "attestations", "left-by-a-killed-build.part"), "");
    await dropAttestations(
      folder,
      made.map(({ record }) => record),
    );
    expect(names()).toEqual(namesOf(made).toSorted());
  } finally {
    rmSync(folder, { recursive: true });
  }
});
