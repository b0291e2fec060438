// What is said about an image, as others verify it: cosign at a real registry, and the validators of SPDX and CycloneDX.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serverEnvironment } from "../../../scripts/server-environment.ts";
import { digestBytes } from "../../../src/digest.ts";
import { attest, type Attestation } from "../../../src/image/attestations/attest.ts";
import { makeKeyPair, readSigningKey } from "../../../src/image/attestations/key.ts";
import { attestationManifest, readAttestation } from "../../../src/image/attestations/manifest.ts";
import { predicateTypes, type Statement } from "../../../src/image/attestations/statement.ts";
import { mediaTypes } from "../../../src/image/oci/manifest.ts";
import type { Registry, StoredManifest } from "../../../src/image/ports.ts";
import { pushReferrers } from "../../../src/image/oci/push-referrers.ts";
import type { Reference } from "../../../src/image/oci/reference.ts";
import { createRegistry } from "../../../src/tools/registry/registry.ts";
import { makeFacts } from "../../unit/image/attestations/facts.ts";

const run = promisify(execFile);
const host = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
const pair = makeKeyPair(null);
const signer = readSigningKey(pair.privateKey, null, "the test's key");
let folder = "";
let registry: Registry;
/** Addresses of manifests, to be removed. */
const pushed = new Set<string>();

function remember({ repository }: Reference, name: string): void {
  pushed.add(`http://${host}/v2/${repository}/manifests/${name}`);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-attestations-"));
  await writeFile(path.join(folder, "key.pub"), pair.publicKey);
  await writeFile(path.join(folder, "other.pub"), makeKeyPair(null).publicKey);
  // No authority is trusted, and no log: only the key is.
  const root = { mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1" };
  await writeFile(path.join(folder, "trusted-root.json"), JSON.stringify(root));
  registry = createRegistry({
    env: process.env,
    home: homedir(),
    signal: new AbortController().signal,
    version: "0.1.0",
    sleep: () => Promise.resolve(),
    now: Date.now,
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  for (const url of pushed) {
    const found = await fetch(url, {
      method: "HEAD",
      headers: { accept: `${mediaTypes.index}, ${mediaTypes.manifest}` },
    });
    const digest = found.headers.get("docker-content-digest");
    const { status } = await fetch(new URL(`./${digest}`, url), { method: "DELETE" });
    if (status !== 202) throw new Error(`${url} stays in the registry: ${status}`);
  }
});

/** An image of nothing, for each test another one. */
async function pushImage(name: string): Promise<{ target: Reference; image: StoredManifest }> {
  const target: Reference = {
    registry: host,
    repository: `mlship-test/attestations-${process.pid}`,
    tag: null,
    digest: null,
  };
  const rootfs = { type: "layers", diff_ids: [] };
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", author: name, rootfs }));
  await pushBlob(target, config);
  const descriptor = { mediaType: mediaTypes.config, digest: digestBytes(config), size: config.length };
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: descriptor, layers: [] }),
  );
  const image = { bytes, mediaType: mediaTypes.manifest, digest: digestBytes(bytes) };
  await registry.pushManifest(target, image, image.digest);
  remember(target, image.digest);
  return { target, image };
}

async function pushBlob(target: Reference, bytes: Buffer): Promise<void> {
  const open = (from: number) => Readable.from([bytes.subarray(from)]);
  await registry.pushBlob(target, { digest: digestBytes(bytes), size: bytes.length, open }, () => {});
}

/** Attaches files to an image, as `mlship push` does. */
async function attach(target: Reference, image: StoredManifest, files: Uint8Array[]): Promise<void> {
  const { mediaType, digest, bytes } = image;
  const attachments = files.map((file) => {
    const about = readAttestation(file).subject;
    const { manifest, blobs } = attestationManifest(file, { mediaType, digest: about, size: bytes.length });
    // What is about another image is attached all the same: somebody who attacks does not ask.
    const text = Buffer.from(manifest.bytes).toString("utf8").replaceAll(about, digest);
    const moved = { ...manifest, bytes: Buffer.from(text), digest: digestBytes(text) };
    const { artifactType, annotations } = JSON.parse(text);
    return { subject: digest, manifest: moved, blobs, artifactType, annotations };
  });
  await pushReferrers(registry, target, attachments);
  for (const { manifest } of attachments) remember(target, manifest.digest);
  // This registry has no referrers of its own: they are listed under a tag.
  remember(target, image.digest.replace(":", "-"));
}

/** The predicate that cosign finds verified. @throws with what cosign says when it finds none */
async function cosign(
  target: Reference,
  { digest }: StoredManifest,
  type: string,
  key = "key.pub",
): Promise<object> {
  const { stdout } = await run(
    "cosign",
    [
      "verify-attestation",
      "--new-bundle-format",
      "--insecure-ignore-tlog",
      `--key=${path.join(folder, key)}`,
      `--trusted-root=${path.join(folder, "trusted-root.json")}`,
      `--type=${type}`,
      `${target.registry}/${target.repository}@${digest}`,
    ],
    { env: { ...process.env, HOME: folder }, timeout: 60_000 },
  );
  const { payload } = JSON.parse(stdout) as { payload: string };
  const statement = JSON.parse(Buffer.from(payload, "base64").toString("utf8")) as Statement;
  expect(statement.predicateType).toBe(type);
  return statement.predicate;
}

function statementOf({ bytes }: Attestation): Statement {
  const text = Buffer.from(bytes).toString("utf8");
  const document = JSON.parse(text);
  return document.dsseEnvelope === undefined
    ? document
    : JSON.parse(Buffer.from(document.dsseEnvelope.payload, "base64").toString("utf8"));
}

test("cosign verifies every attestation by the public key alone", async () => {
  const { target, image } = await pushImage("signed");
  const said = attest(makeFacts(image.digest, [image.digest]), signer);
  await attach(
    target,
    image,
    said.map(({ bytes }) => bytes),
  );
  expect(said.map(({ record }) => record.predicateType)).toEqual(Object.values(predicateTypes));
  for (const attestation of said) {
    const { predicateType, predicate } = statementOf(attestation);
    expect(await cosign(target, image, predicateType)).toEqual(predicate);
    await expect(cosign(target, image, predicateType, "other.pub")).rejects.toThrow(/verif|signature/i);
  }
});

test("cosign refuses a changed envelope, another image's attestation, and one that nobody signed", async () => {
  const { target, image } = await pushImage("attacked");
  const [, , provenance] = attest(makeFacts(image.digest, [image.digest]), signer);
  const bundle = JSON.parse(Buffer.from(provenance!.bytes).toString("utf8"));
  const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8");
  bundle.dsseEnvelope.payload = Buffer.from(payload.replace("unhosted", "hosted")).toString("base64");
  const { predicateType } = statementOf(provenance!);
  const { image: other } = await pushImage("another");
  const [, , moved] = attest(makeFacts(other.digest, [other.digest]), signer);
  const [, , unsigned] = attest(makeFacts(image.digest, [image.digest]), null);
  for (const file of [Buffer.from(JSON.stringify(bundle)), moved!.bytes, unsigned!.bytes]) {
    await attach(target, image, [file]);
    await expect(cosign(target, image, predicateType)).rejects.toThrow(
      /no matching attestations|no bundles|none of the attestations/i,
    );
  }
  // The same place and the same flags, with the right one beside them.
  await attach(target, image, [provenance!.bytes]);
  expect(await cosign(target, image, predicateType)).toEqual(statementOf(provenance!).predicate);
});

test("the bills of materials satisfy the validators of CycloneDX and SPDX", async () => {
  const python = await serverEnvironment([
    path.join(import.meta.dirname, "attestations", "requirements.txt"),
  ]);
  const validator = path.join(import.meta.dirname, "attestations", "validate.py");
  const validate = async (kind: string, document: object): Promise<string[]> => {
    const file = path.join(folder, `bill.${kind === "spdx" ? "spdx.json" : "cdx.json"}`);
    await writeFile(file, JSON.stringify(document));
    return JSON.parse((await run(python, [validator, kind, file], { timeout: 120_000 })).stdout);
  };
  const said = attest(makeFacts(), null).map(statementOf);
  const kinds: [string, string][] = [
    ["cyclonedx", predicateTypes.cyclonedx],
    ["spdx", predicateTypes.spdx],
  ];
  for (const [kind, type] of kinds) {
    const bills = said.filter(({ predicateType }) => predicateType === type);
    expect(bills).toHaveLength(2);
    for (const { predicate } of bills) {
      expect(await validate(kind, predicate)).toEqual([]);
      // The judge is awake: a bill without its version of the format does not pass.
      const { specVersion: _, creationInfo: __, ...broken } = predicate as Record<string, unknown>;
      expect(await validate(kind, broken)).not.toEqual([]);
    }
  }
});
