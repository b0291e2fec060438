// Makes the image of a judged model, or takes the one of the same plan that is there: shared by build and deploy.
import path from "node:path";
import { attest, dropAttestations, writeAttestations } from "../../image/attestations/attest.ts";
import {
  isWhole,
  keepImage,
  makeLatest,
  readImageOf,
  writeRecord,
  type KeptImage,
} from "../../image/build-record.ts";
import { secretsSetIn } from "../../image/plan/build-secrets.ts";
import type { BuiltImage } from "../../image/built.ts";
import { writeContext } from "../../image/plan/context.ts";
import { places } from "../../image/plan/layers.ts";
import type { ReadLock } from "../../image/lock/lock.ts";
import type { Engine } from "../../image/ports.ts";
import { writeModelImage } from "../../image/plan/model-image.ts";
import { checkSize, nameLayers, showSize } from "../../image/check/sizes.ts";
import { MlshipError } from "../../errors.ts";
import { planImage, type Planned } from "../context.ts";
import type { Host } from "../host.ts";
import type { Judgement } from "../judge.ts";
import { lockOf } from "../open-lock.ts";
import type { Project } from "../project.ts";
import { openSigner } from "../signer.ts";
import { inStep } from "../step.ts";
import { buildTwice } from "./build-twice.ts";
import { runBuilder } from "./run-builder.ts";
import { checkImages, lookForVulnerabilities, requireScanner, tryImage } from "./try-image.ts";
import { withWorkshop, type Workshop } from "./workshop.ts";

/** How the image is built. */
export interface BuildOptions {
  /** Builds twice from nothing and compares. */
  verify: boolean;
  /** Takes nothing from the builder's cache, and builds although an image of the plan is there. */
  noCache: boolean;
}

/** All that an image is made of. */
export interface Making {
  project: Project;
  host: Host;
  judgement: Judgement;
  lock: ReadLock;
  planned: Planned;
}

/** Plans the image of a model that was judged in its lock. @throws MlshipError as `planImage` */
export async function planMaking(project: Project, host: Host, judgement: Judgement): Promise<Making> {
  const lock = lockOf(judgement);
  return { project, host, judgement, lock, planned: await planImage(project, host, judgement, lock) };
}

/**
 * The image of the plan: the one that is there, unless it has to be built anew.
 * @throws MlshipError `build.*`, `docker.*`, `image.*`, `keys.*`
 */
export async function makeImage(making: Making, options: BuildOptions): Promise<KeptImage> {
  const kept = options.verify || options.noCache ? null : await findKept(making);
  return kept === null ? await make(making, options) : await reuse(making, kept);
}

/** The image of the plan that is there and whole; null when there is none. */
export async function findKept({ project, host, planned, judgement }: Making): Promise<KeptImage | null> {
  const kept = await readImageOf(project.state, planned.plan.digest);
  if (kept === null || judgement.golden === null) return null;
  if (await isWhole(kept)) return kept;
  host.progress.note("the image that was built before is damaged, so it is built again");
  return null;
}

/** An image that is there is held against mlship.yaml as it is now, and signed when there is a key since. */
async function reuse(making: Making, kept: KeptImage): Promise<KeptImage> {
  const { project, host, planned } = making;
  let { built } = kept;
  checkImages(project, built.images);
  await lookForVulnerabilities(project, host, kept.layoutFolder, built.images);
  const isSigned = built.attestations.every(({ signed }) => signed);
  if (!isSigned && (await openSigner(project, host)) !== null) {
    built = await say(making, kept.folder, built);
    await writeRecord(kept.folder, built);
    await dropAttestations(kept.folder, built.attestations);
  }
  await makeLatest(project.state, planned.plan.digest);
  host.progress.note(
    `nothing to build: the image of the same plan is there, built by ${built.volatile.builder}`,
  );
  return { ...kept, built };
}

async function make(making: Making, options: BuildOptions): Promise<KeptImage> {
  const { project, host } = making;
  // All that can be missing is asked for before the long work begins.
  await openSigner(project, host);
  await requireScanner(project, host);
  const engine = await host.engine();
  return await withWorkshop(
    project,
    host,
    engine,
    async (workshop) => await makeIn(workshop, making, engine, options),
  );
}

async function makeIn(
  workshop: Workshop,
  making: Making,
  engine: Engine,
  { verify, noCache }: BuildOptions,
): Promise<KeptImage> {
  const { project, host, planned, judgement } = making;
  const { plan } = planned;
  const began = host.clock.monotonic();
  const builder = await host.builder();
  const contextFolder = path.join(workshop.folder, "context");
  await writeContext(contextFolder, planned.files);
  const folder = path.join(workshop.folder, "image");
  const layoutFolder = path.join(folder, "layout");
  const request = {
    plan,
    contextFolder,
    layoutFolder,
    secrets: secretsSetIn(host.env),
    noCache: noCache || verify,
    hasTimes: project.config.image.template !== null,
  };
  const layout = verify
    ? await buildTwice(host, builder, request, path.join(workshop.folder, "second"))
    : await runBuilder(host, builder, request);
  const images: BuiltImage["images"] = layout.images.map(({ platform, manifest, layers, diffIds }) => ({
    platform,
    manifest: manifest.digest,
    layers: nameLayers(layers, diffIds, plan.layers),
    size: layers.reduce((sum, { size }) => sum + size, 0),
    selfTest: null,
  }));
  for (const image of images) checkSize(image, project.config.image.maxSize);
  const golden = requireGolden(judgement);
  const native = images.find(({ platform }) => platform === engine.platform);
  if (native === undefined) {
    host.progress.note(`${engine.name} runs ${engine.platform} only, so the image was not tried out`);
  } else {
    const isBaked = plan.layers.some(({ name }) => name === "model");
    const files = isBaked ? null : { from: judgement.candidate.folder, to: places.model };
    const port = plan.config.exposedPort;
    native.selfTest = await tryImage(project, host, engine, { layoutFolder, golden, workshop, port, files });
  }
  await lookForVulnerabilities(project, host, layoutFolder, images);
  const modelImage = await packModel(making, path.join(folder, "model"));
  const { name, version, digest, evidence } = plan;
  const made: BuiltImage = {
    schema: "mlship.image/v1",
    name,
    version,
    plan: digest,
    digest: layout.root.digest,
    images,
    modelImage,
    evidence,
    attestations: [],
    volatile: {
      at: host.clock.now().toISOString(),
      builder: builder.name,
      seconds: Math.round(host.clock.monotonic() - began) / 1000,
    },
  };
  const built = await say(making, folder, made);
  await writeRecord(folder, built);
  // From here on it takes no time and cannot half happen.
  host.signal.throwIfAborted();
  const kept = await keepImage(project.state, folder, built);
  const size = images.map((image) => `${image.platform} ${showSize(image.size)}`).join(", ");
  host.progress.note(`kept, ${size}`);
  return kept;
}

/** Makes the model's own image, where pods mount it. */
async function packModel({ project, host, judgement, planned }: Making, folder: string) {
  if (project.config.image.delivery !== "image-volume") return null;
  const { candidate } = judgement;
  const { name, version, platforms } = planned.plan;
  return await inStep(host, "image of the model", async () => {
    const files = candidate.model.files.filter((file) => file.path !== candidate.handler);
    const result = await writeModelImage(folder, {
      name,
      version,
      model: candidate.model.digest,
      platforms,
      files: files.map((file) => ({ ...file, from: path.join(candidate.folder, file.path) })),
    });
    return { result, told: `${showSize(result.size)}, ${result.digest}` };
  });
}

/** Writes what is said about an image beside it. */
async function say(
  { project, host, judgement, lock, planned }: Making,
  folder: string,
  image: BuiltImage,
): Promise<BuiltImage> {
  const found = await openSigner(project, host);
  const facts = {
    image,
    plan: planned.plan,
    lock: lock.lock,
    report: judgement.report,
    source: await host.commit(project.config.folder),
    tool: host.version,
  };
  const attestations = attest(facts, found?.key ?? null);
  await writeAttestations(folder, attestations);
  host.progress.note(
    found === null
      ? "what is said about the image is not signed: make a key with mlship keys new"
      : `what is said about the image is signed by ${found.where}`,
  );
  return { ...image, attestations: attestations.map(({ record }) => record) };
}

/** @throws MlshipError `image.no-golden`, exit 4: what cannot be compared has not passed. */
function requireGolden({ golden }: Judgement): NonNullable<Judgement["golden"]> {
  if (golden !== null) return golden;
  throw new MlshipError({
    code: "image.no-golden",
    what: "the image cannot be compared with what was validated",
    why: "an answer of the model is not a finite number, so there are no rows to replay",
    fix: "let the model answer every row with a finite number, then run mlship build again",
    exit: "inconclusive",
  });
}
