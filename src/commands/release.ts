// Stores a judged model as a release: shared by upload and deploy.
import path from "node:path";
import { differences } from "../artifacts/bump.ts";
import { fetchBlob, fetchRelease } from "../artifacts/fetch.ts";
import { requireMeaning } from "../artifacts/meaning.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import { publish, type Sources } from "../artifacts/publish.ts";
import { blobsOf, makeRelease, type Release } from "../artifacts/release.ts";
import { releaseOf, versionTaken } from "../artifacts/versions.ts";
import { canonicalJson, digestBytes, type Digest } from "../digest.ts";
import { formatLock } from "../image/lock/text.ts";
import { defaultMetrics } from "../validation/metrics/measure.ts";
import { goldenSchema } from "../validation/golden.ts";
import { reportSchema } from "../validation/report.ts";
import { showBytes } from "../validation/show.ts";
import type { Host } from "./host.ts";
import type { Judgement } from "./judge.ts";
import { bytePace } from "./pace.ts";
import type { Project } from "./project.ts";
import type { Links } from "./release-links.ts";
import { inStep } from "./step.ts";

/** A release in the store, and whether this run put it there. */
export interface Stored {
  release: Release;
  created: boolean;
}

/** What a release comes from and leads to. */
export interface Lineage {
  /** The version that serves now; null when none does. Asked only when the release is new, as are the links. */
  parent: () => Promise<string | null>;
  links: () => Promise<Links>;
}

/**
 * Puts the judged model under its version. The same model in the same environment under the same
 * version is the same release, whoever built it and from whatever commit.
 * @throws MlshipError as {@link checkVersion}, before anything is sent.
 */
export async function storeRelease(
  project: Project,
  host: Host,
  store: ObjectStore,
  judgement: Judgement,
  { parent, links }: Lineage,
): Promise<Stored> {
  const { name, version, folder } = project.config;
  const { candidate } = judgement;
  const { lock } = candidate.environment;
  const released = await checkVersion(project, store, judgement);
  if (released !== null) return { release: released, created: false };
  const environments = await host.environments(path.join(project.state, "locks"));
  const sources = new Map<Digest, Uint8Array | { file: string }>();
  const blobOf = (bytes: Uint8Array) => {
    const sha256 = digestBytes(bytes);
    sources.set(sha256, bytes);
    return { sha256, size: bytes.length };
  };
  for (const file of candidate.model.files)
    sources.set(file.sha256, { file: path.join(candidate.folder, file.path) });
  for (const file of lock.server.files) blobOf(await environments.serverFile(file.path));
  const { image, objects } = await links();
  const release = makeRelease({
    ...partsOf(judgement, blobOf),
    ...(image === null ? {} : { image }),
    ...(objects.length === 0 ? {} : { manifests: manifestsOf(project, objects, blobOf) }),
    name,
    version,
    lineage: await host.commit(folder),
    parent: await parent(),
    volatile: {
      at: host.clock.now().toISOString(),
      actor: `${host.actor.user}@${host.actor.host}`,
      tool: host.version,
    },
  });
  return await send(host, store, release, sources);
}

async function send(host: Host, store: ObjectStore, release: Release, sources: Sources): Promise<Stored> {
  const { name, version } = release;
  const total = blobsOf(release).reduce((sum, { size }) => sum + size, 0);
  return await inStep(host, `store ${name} ${version}`, async (update) => {
    const onBytes = bytePace(update, host.clock, total);
    const { clock, signal } = host;
    const stored = await publish(store, release, sources, { onBytes, signal, clock });
    return { result: stored, told: `${showBytes(total)} in ${store.location}` };
  });
}

/**
 * Refuses a version that the judged model cannot have.
 * @returns the release, where the model has the version already; else null
 * @throws MlshipError `version.exists`, exit 2, when the version stands for another model;
 *   `version.meaning`, exit 2, when its number does not say what changed.
 */
export async function checkVersion(
  project: Project,
  store: ObjectStore,
  judgement: Judgement,
): Promise<Release | null> {
  const released = await findReleased(project, store, judgement);
  if (released === null) await requireMeaning(store, judgement.bundle);
  return released;
}

/** The release of this version, when there is one: of the same model in the same environment. */
async function findReleased(
  { config }: Project,
  store: ObjectStore,
  { bundle, candidate }: Judgement,
): Promise<Release | null> {
  const { name, version } = config;
  const digest = await releaseOf(store, name, version);
  if (digest === null) return null;
  const release = await fetchRelease(store, digest);
  const differs = differences(release, { bundle, environment: candidate.environment.lock.digest });
  if (differs.length === 0) return release;
  throw versionTaken(name, version, differs.map(({ what }) => what).join("; "));
}

/**
 * The judgement that the version was released with, where it was. The one of today may differ in what
 * the model was compared with, and an image that names another report would be another image.
 */
export async function releasedJudgement(
  project: Project,
  store: ObjectStore,
  judgement: Judgement,
): Promise<Judgement> {
  const release = await findReleased(project, store, judgement);
  if (release === null) return judgement;
  const read = async (blob: Release["report"]["file"]): Promise<unknown> =>
    JSON.parse(Buffer.from(await fetchBlob(store, blob)).toString("utf8"));
  const report = reportSchema.parse(await read(release.report.file));
  const golden = release.golden === null ? null : goldenSchema.parse(await read(release.golden));
  return { ...judgement, report, golden };
}

function manifestsOf({ channel }: Project, objects: Links["objects"], blobOf: BlobOf) {
  const files = objects
    .map(({ path: file, text }) => ({ path: file, ...blobOf(Buffer.from(text)) }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return { channel, set: { files, size, digest: digestBytes(canonicalJson(files)) } };
}

/** Keeps bytes for the store, and names them. */
type BlobOf = (bytes: Uint8Array) => { sha256: Digest; size: number };

function partsOf({ candidate, bundle, report, golden }: Judgement, blobOf: BlobOf) {
  const { model, environment, dataset, lock } = candidate;
  const { requirements, digest, python, platform, server } = environment.lock;
  const metrics = defaultMetrics(report.task, report.metrics).map(({ name, value }) => [name, value]);
  return {
    bundle,
    model: { files: model.files, digest: model.digest, size: model.size },
    report: {
      file: blobOf(jsonOf(report)),
      digest: report.digest,
      verdict: report.verdict,
      headline: Object.fromEntries(metrics),
    },
    golden: golden === null ? null : blobOf(jsonOf(golden)),
    python: { digest, python, platform, server, requirements: blobOf(Buffer.from(requirements)) },
    dataset: { digest: dataset.digest, rows: dataset.rows },
    ...(lock === null
      ? {}
      : { lock: { file: blobOf(Buffer.from(formatLock(lock.lock))), digest: lock.digest } }),
  };
}

function jsonOf(document: object): Uint8Array {
  return Buffer.from(`${canonicalJson(document)}\n`);
}
