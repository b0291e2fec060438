// The registry client: manifests, blobs and referrers by the OCI distribution specification 1.1.
import { z } from "zod";
import { digestBytes, type Digest } from "../../digest.ts";
import type { Descriptor, PushedManifest, Registry, StoredManifest, UploadBlob } from "../../image/ports.ts";
import { descriptorSchema } from "../../image/oci/manifest.ts";
import type { Reference } from "../../image/oci/reference.ts";
import type { Variables } from "../process.ts";
import { addressOf } from "./address.ts";
import { Authorised } from "./authorised.ts";
import { findCredentials } from "./credentials.ts";
import { badAnswer, digestMismatch } from "./faults.ts";
import { createSend, header, type Reply } from "./http.ts";
import { Repository } from "./repository.ts";
import { type Patience, patiently } from "./retry.ts";
import { type Pieces, Upload } from "./upload.ts";

export interface RegistryOptions {
  env: Variables;
  /** Home folder, for Docker's configuration. */
  home: string;
  signal: AbortSignal;
  /** Version of mlship, for the registry's log. */
  version: string;
  sleep(ms: number): Promise<void>;
  now(): number;
  /** Milliseconds without a byte after which a connection is given up. */
  patienceMs?: number;
  /** Milliseconds before each further attempt. */
  pauses?: readonly number[];
  pieces?: Pieces;
}

/** A registry that hashes a large blob at the end of its upload says nothing for a while. */
const usualPatience = 120_000;
const usualPauses = [500, 1000, 2000, 4000];
const usualPieces: Pieces = { whole: 4 << 20, piece: 16 << 20 };
/** Longest Retry-After that is waited for, in ms. */
const longestWait = 60_000;
/** Most bytes of a blob that is read whole: configurations and statements, no layers. */
const mostBlob = 64 << 20;

const accepted = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const indexSchema = z.looseObject({ manifests: z.array(descriptorSchema) });

/** Opens the client for all registries; each is spoken to with its own credentials. */
export function createRegistry(options: RegistryOptions): Registry {
  const { env, home, signal, version, patienceMs = usualPatience, pieces = usualPieces } = options;
  const patience: Patience = {
    pauses: options.pauses ?? usualPauses,
    longest: longestWait,
    sleep: (ms) => options.sleep(ms),
    now: () => options.now(),
  };
  const send = createSend({ signal, patienceMs, userAgent: `mlship/${version}` });
  const opened = new Map<string, Authorised>();
  const open = (reference: Reference): Repository => {
    const address = addressOf(reference.registry);
    const known = opened.get(address.registry);
    const authorised =
      known ??
      new Authorised(address, send, patiently(send, patience), () =>
        findCredentials(address, { env, home, signal }),
      );
    opened.set(address.registry, authorised);
    return new Repository(reference, authorised, patience);
  };
  return {
    manifest: (reference) => readManifest(open(reference), nameOf(reference), reference.digest),
    blob: (reference, digest) => readBlob(open(reference), digest),
    hasBlob: (reference, digest) => hasBlob(open(reference), digest),
    pushBlob: (reference, blob: UploadBlob, onBytes) =>
      new Upload(open(reference), blob, pieces, onBytes).run(),
    pushManifest: (reference, manifest, name) => pushManifest(open(reference), manifest, name),
    referrers: (reference, subject) => readReferrers(open(reference), subject),
  };
}

function nameOf({ digest, tag }: Reference): string {
  return digest ?? tag ?? "latest";
}

async function readManifest(
  repository: Repository,
  name: string,
  expected: Digest | null,
): Promise<StoredManifest | null> {
  const doing = `read the manifest ${name}`;
  const call = {
    method: "GET",
    url: repository.url(`manifests/${name}`),
    headers: { accept: accepted },
  } as const;
  const reply = await repository.ask(call, repository.pull(), doing);
  if (reply.status === 404) return null;
  if (reply.status !== 200) throw repository.refusal(reply, doing);
  const digest = digestBytes(reply.body);
  const reported = header(reply, "docker-content-digest");
  for (const wanted of [expected, reported]) {
    // Another algorithm's digest says nothing about this one.
    if (wanted?.startsWith("sha256:") && wanted !== digest) {
      throw digestMismatch(repository.asked(doing), digest, wanted);
    }
  }
  return { bytes: reply.body, mediaType: mediaTypeOf(reply), digest };
}

async function readBlob(repository: Repository, digest: Digest): Promise<Uint8Array> {
  const doing = `read the blob ${digest.slice(0, 19)}`;
  const call = { method: "GET", url: repository.url(`blobs/${digest}`), limit: mostBlob } as const;
  const reply = await repository.ask(call, repository.pull(), doing);
  if (reply.status !== 200) throw repository.refusal(reply, doing);
  const found = digestBytes(reply.body);
  if (found !== digest) throw digestMismatch(repository.asked(doing), digest, found);
  return reply.body;
}

async function hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
  const doing = `ask for the blob ${digest.slice(0, 19)}`;
  const call = { method: "HEAD", url: repository.url(`blobs/${digest}`) } as const;
  const reply = await repository.ask(call, repository.push(), doing);
  if (reply.status === 404) return false;
  if (reply.status === 200) return true;
  throw repository.refusal(reply, doing);
}

async function pushManifest(
  repository: Repository,
  { bytes, mediaType, digest }: StoredManifest,
  name: string,
): Promise<PushedManifest> {
  const doing = `write the manifest ${name}`;
  const call = {
    method: "PUT",
    url: repository.url(`manifests/${name}`),
    headers: { "content-type": mediaType },
    body: { length: bytes.length, open: () => bytes },
  } as const;
  const reply = await repository.ask(call, repository.push(), doing);
  if (reply.status !== 201) throw repository.refusal(reply, doing);
  const reported = header(reply, "docker-content-digest") ?? digest;
  if (reported !== digest) throw digestMismatch(repository.asked(doing), digest, reported);
  return { digest, listed: header(reply, "oci-subject") !== null };
}

async function readReferrers(repository: Repository, subject: Digest): Promise<Descriptor[]> {
  const doing = `read what refers to ${subject.slice(0, 19)}`;
  const url = repository.url(`referrers/${subject}`);
  const reply = await repository.ask({ method: "GET", url }, repository.pull(), doing);
  if (reply.status === 200) return readIndex(repository, reply.body, doing);
  // Registries without the API say 404, some say that the route or the method is unknown to them.
  if (![404, 405, 501].includes(reply.status)) throw repository.refusal(reply, doing);
  const listed = await readManifest(repository, subject.replace(":", "-"), null);
  return listed === null ? [] : readIndex(repository, Buffer.from(listed.bytes), doing);
}

function readIndex(repository: Repository, bytes: Buffer, doing: string): Descriptor[] {
  try {
    return indexSchema.parse(JSON.parse(bytes.toString("utf8"))).manifests;
  } catch {
    throw badAnswer(repository.asked(doing), "what it lists is not an image index");
  }
}

/** Without the parameters that a registry may add. */
function mediaTypeOf(reply: Reply): string {
  const [type = ""] = (header(reply, "content-type") ?? "").split(";");
  return type.trim();
}
