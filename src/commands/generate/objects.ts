// The Kubernetes objects of a planned image: which image they name, and where the model comes from.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { load } from "js-yaml";
import { z } from "zod";
import { podStoreOf } from "../../cluster/pod-store.ts";
import { renderKubernetes } from "../../cluster/render.ts";
import type { ModelSource } from "../../cluster/served.ts";
import { makeServed } from "../../cluster/served-document.ts";
import { readImageOf } from "../../image/build-record.ts";
import type { ContextFile } from "../../image/plan/context.ts";
import { modelTag } from "../../image/plan/model-image.ts";
import type { BuildPlan } from "../../image/plan/plan.ts";
import { parseReference } from "../../image/oci/reference.ts";
import type { ModelFile } from "../../model/model.ts";
import { revisionOf } from "../../rollout/revision.ts";
import type { Project } from "../project.ts";

const volumeSchema = z.object({ name: z.string(), image: z.object({ reference: z.string() }).optional() });

/** A Deployment as far as it says which image it runs, and for which plan. */
const deploymentSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(z.object({ image: z.string() })).min(1),
        volumes: z.array(volumeSchema).optional(),
      }),
    }),
  }),
});
type Deployment = z.infer<typeof deploymentSchema>;

/**
 * The objects' files below `kubernetes/`.
 * @param wanted reference that the user gave, or null
 * @param folder holds what an earlier run wrote
 * @throws MlshipError of the objects and of `deploy.patches`; `image.bad-reference`.
 */
export async function objectFiles(
  project: Project,
  plan: BuildPlan,
  model: readonly ModelFile[],
  folder: string,
  wanted: string | undefined,
): Promise<{ files: ContextFile[]; image: string }> {
  const { config } = project;
  const { name, version, serve, deploy } = config;
  if (wanted !== undefined) parseReference(wanted);
  const image =
    wanted ??
    (await builtReference(project, plan)) ??
    (await writtenReference(folder, plan)) ??
    `${config.image.repository ?? name}:${version}`;
  const evidence = { plan: plan.digest, ...plan.evidence };
  const source = await sourceOf(project, model, plan, folder);
  // Of a release that is not stored yet the plan stands for the digest: the id is that of what runs.
  const served = makeServed({ name, version, image, model: source, serve, deploy, evidence }, plan.digest);
  const revision = revisionOf(name, version, served.release, served.digest).id;
  const rendered = renderKubernetes({ ...served, revision });
  return { files: rendered.map((file) => ({ path: `kubernetes/${file.path}`, text: file.text })), image };
}

async function sourceOf(
  { config, state }: Project,
  files: readonly ModelFile[],
  plan: BuildPlan,
  folder: string,
): Promise<ModelSource> {
  const { image, artifacts, name, version } = config;
  if (image.delivery === "baked") return { kind: "baked" };
  if (image.delivery === "s3") return { kind: "s3", ...podStoreOf(artifacts), files };
  const digest = (await readImageOf(state, plan.digest))?.built.modelImage?.digest;
  const repository = image.repository ?? name;
  const built = digest === undefined || image.repository === null ? null : `${repository}@${digest}`;
  const written = built === null ? await writtenDeployment(folder, plan) : null;
  const volumes = written?.spec.template.spec.volumes ?? [];
  const reference = built ?? volumes.find((volume) => volume.name === "model")?.image?.reference;
  return { kind: "image-volume", reference: reference ?? `${repository}:${modelTag(version)}` };
}

/** The image that was built of the plan, where it will be pushed to. */
async function builtReference({ config, state }: Project, plan: BuildPlan): Promise<string | null> {
  const kept = await readImageOf(state, plan.digest);
  return kept === null || config.image.repository === null
    ? null
    : `${config.image.repository}@${kept.built.digest}`;
}

/** The image that the files name already. */
async function writtenReference(folder: string, plan: BuildPlan): Promise<string | null> {
  const written = await writtenDeployment(folder, plan);
  return written?.spec.template.spec.containers[0]?.image ?? null;
}

/** The Deployment of an earlier run, when it was written for the same plan. */
async function writtenDeployment(folder: string, plan: BuildPlan): Promise<Deployment | null> {
  const text = await readFile(path.join(folder, "kubernetes", "deployment.yaml"), "utf8").catch(() => null);
  if (text === null) return null;
  let document: unknown;
  try {
    document = load(text);
  } catch {
    // Whatever it is, it is not what mlship wrote: it is written anew.
    return null;
  }
  const { data } = deploymentSchema.safeParse(document);
  return data?.metadata.annotations["mlship.dev/plan"] === plan.digest ? data : null;
}
