// Looks whether a judged model's image is in its registry already, for a release that is stored without deploying.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import { readImageOf } from "../../image/build-record.ts";
import { isIndex, readImage, readIndex } from "../../image/oci/manifest.ts";
import { formatReference, parseReference, type Reference } from "../../image/oci/reference.ts";
import { modelTag } from "../../image/plan/model-image.ts";
import type { Registry, StoredManifest } from "../../image/ports.ts";
import { planMaking } from "../build/make-image.ts";
import type { Host } from "../host.ts";
import type { Judgement } from "../judge.ts";
import type { Project } from "../project.ts";
import { targetOf } from "../push/send-image.ts";
import { noLinks, type Links } from "../release-links.ts";
import { linksTo, sourceOf } from "./served-from.ts";

/**
 * The image under the project's version, when it names this model, lock and report, with its objects
 * where the target is Kubernetes. A registry that cannot be asked is told and is no error: the release
 * is whole without, and the deploy that needs the image says how it is served.
 */
export async function findLinks(project: Project, host: Host, judgement: Judgement): Promise<Links> {
  const { image, deploy } = project.config;
  if (image.repository === null || judgement.candidate.lock === null) return noLinks;
  const found = await findTagged(project, host, judgement).catch((error: unknown) => {
    if (!(error instanceof MlshipError) || error.exit !== "unavailable") throw error;
    host.progress.note(`the release names no image: ${error.what}`);
    return null;
  });
  if (found === null) return noLinks;
  const making = await planMaking(project, host, judgement);
  const { digest: plan } = making.planned.plan;
  const kept = await readImageOf(project.state, plan);
  const isBuiltHere = kept !== null && kept.built.digest === parseReference(found.image).digest;
  const model = sourceOf(making, found.model);
  const links = linksTo(making, { image: found.image, model }, isBuiltHere ? plan : null);
  return deploy.target === "kubernetes" ? links : { ...links, objects: [] };
}

async function findTagged(
  project: Project,
  host: Host,
  judgement: Judgement,
): Promise<{ image: string; model: string | null } | null> {
  const { version, image } = project.config;
  const target = { ...targetOf(project), tag: version };
  const registry = await host.registry();
  const stored = await registry.manifest(target);
  if (stored === null) return null;
  const other = await differsIn(registry, target, stored, judgement);
  if (other !== null) {
    host.progress.note(`the release names no image: ${formatReference(target)} is of another ${other}`);
    return null;
  }
  const byDigest = ({ digest }: StoredManifest) => formatReference({ ...target, tag: null, digest });
  if (image.delivery !== "image-volume") return { image: byDigest(stored), model: null };
  const model = await registry.manifest({ ...target, tag: modelTag(version) });
  return model === null ? null : { image: byDigest(stored), model: byDigest(model) };
}

const configSchema = z.object({
  config: z.object({ Labels: z.record(z.string(), z.string()).default({}) }).default({ Labels: {} }),
});

/** What of the evidence in the image's labels is not this judgement's; null when all of it is. */
async function differsIn(
  registry: Registry,
  target: Reference,
  stored: StoredManifest,
  { candidate, report }: Judgement,
): Promise<string | null> {
  const image = isIndex(stored.mediaType) ? await firstImage(registry, target, stored) : stored;
  if (image === null) return "kind";
  const bytes = await registry.blob(target, readImage(image).config.digest);
  const { Labels: labels } = configSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8"))).config;
  const expected = {
    model: candidate.model.digest,
    lock: candidate.lock?.digest,
    report: report.digest,
  };
  const wrong = Object.entries(expected).find(
    ([kind, digest]) => labels[`dev.mlship.${kind}.digest`] !== digest,
  );
  return wrong?.[0] ?? null;
}

/** The images of all platforms are built from the same evidence. */
async function firstImage(
  registry: Registry,
  target: Reference,
  stored: StoredManifest,
): Promise<StoredManifest | null> {
  const first = readIndex(stored).manifests.find(({ platform }) => platform?.os !== "unknown");
  return first === undefined ? null : await registry.manifest({ ...target, tag: null, digest: first.digest });
}
