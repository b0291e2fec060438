// `mlship push`: the image that was built last goes to its registry, under its version and its digest.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { digestBytes, type Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { attestationManifest, readAttestation } from "../image/attestations/manifest.ts";
import { readLatestImage, type KeptImage } from "../image/build-record.ts";
import { damaged, readLayout, type Layout } from "../image/oci/layout.ts";
import { modelTag } from "../image/plan/model-image.ts";
import type { Registry } from "../image/ports.ts";
import { pushImage, type Pushed, type PushOptions } from "../image/oci/push.ts";
import type { Attachment } from "../image/oci/push-referrers.ts";
import { formatReference, parseReference, type Reference } from "../image/oci/reference.ts";
import { showSize } from "../image/check/sizes.ts";
import type { Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { inStep } from "./step.ts";

/** mlship.push/v1 */
export interface PushDocument extends ResultDocument, Pushed {
  schema: "mlship.push/v1";
  /** `repository@sha256:…`: what a deployment names. */
  reference: string;
  /** The model's own image, where pods mount it: `repository@sha256:…` and what was sent of it. */
  model: (Pushed & { reference: string }) | null;
}

/** Pushes what `mlship build` made and tested. */
export async function push(host: Host, selection: ProjectOptions): Promise<Result<PushDocument>> {
  const project = await openProject(host, selection);
  const target = targetOf(project);
  const kept = await builtImage(project);
  const layout = await readLayout(kept.layoutFolder);
  if (layout.root.digest !== kept.built.digest) {
    throw damaged(
      kept.folder,
      `its layout holds ${layout.root.digest}, its record says ${kept.built.digest}`,
    );
  }
  const attachments = await readAttachments(kept, layout);
  const registry = await host.registry();
  const { version, images, modelImage } = kept.built;
  // The model first: whoever sees the server's image can have its model.
  const model = modelImage === null ? null : await readLayout(kept.modelFolder);
  if (model !== null && model.root.digest !== modelImage?.digest)
    throw damaged(kept.folder, `the image of the model is ${model.root.digest}`);
  const send = async (what: Sent) => await pushOne(host, registry, target, what);
  const nothing = { attachments: [], base: new Set<Digest>() };
  const pushedModel =
    model === null ? null : await send({ ...nothing, layout: model, tag: modelTag(version) });
  const base = new Set(images.flatMap(({ layers }) => baseLayers(layers)));
  const pushed = await send({ layout, tag: version, attachments, base });
  return { document: { schema: "mlship.push/v1", ...pushed, model: pushedModel }, exit: "done" };
}

/** One image that is pushed. */
type Sent = Pick<PushOptions, "layout" | "tag" | "attachments" | "base">;

/** Pushes one image as one visible step. */
async function pushOne(
  host: Host,
  registry: Registry,
  target: Reference,
  what: Sent,
): Promise<Pushed & { reference: string }> {
  const pushed = await inStep(
    host,
    `push ${formatReference({ ...target, tag: what.tag })}`,
    async (update) => {
      let planned = { blobs: 0, bytes: 0 };
      let sent = 0;
      const made = await pushImage(registry, {
        ...what,
        target,
        progress: {
          planned: (missing) => (planned = missing),
          sent: (bytes) => {
            sent += bytes;
            update(`${showSize(sent)} of ${showSize(planned.bytes)}`);
          },
        },
      });
      return { result: made, told: describe(made) };
    },
  );
  return { reference: formatReference({ ...target, tag: null, digest: pushed.digest }), ...pushed };
}

function targetOf({ config }: Project): Reference {
  const { repository } = config.image;
  if (repository !== null) return parseReference(repository);
  throw new MlshipError({
    code: "push.no-repository",
    what: "mlship.yaml does not say where the image goes",
    fix: "set image.repository, such as ghcr.io/acme/fraud",
    exit: "usage",
  });
}

async function builtImage({ config, state }: Project): Promise<KeptImage> {
  const kept = await readLatestImage(state);
  const wanted = `${config.name} ${config.version}`;
  if (kept === null) {
    throw new MlshipError({
      code: "push.no-image",
      what: `there is no image of ${wanted} to push`,
      fix: "run `mlship build` first",
      exit: "usage",
    });
  }
  const { name, version } = kept.built;
  if (name === config.name && version === config.version) return kept;
  throw new MlshipError({
    code: "push.stale",
    what: `the image that was built last is ${name} ${version}, and mlship.yaml is ${wanted}`,
    fix: "run `mlship build` first",
    exit: "usage",
  });
}

function baseLayers(layers: readonly { name: string; digest: Digest }[]): Digest[] {
  return layers.filter(({ name }) => name === "base").map(({ digest }) => digest);
}

const artifactSchema = z.looseObject({
  artifactType: z.string(),
  annotations: z.record(z.string(), z.string()).default({}),
});

async function readAttachments({ built, folder }: KeptImage, layout: Layout): Promise<Attachment[]> {
  const subjects = new Map(
    [layout.root, ...layout.images.map(({ manifest }) => manifest)].map((one) => [one.digest, one]),
  );
  return await Promise.all(
    built.attestations.map(async ({ file, digest }) => {
      const bytes = await readFile(path.join(folder, file)).catch((cause: unknown) => {
        throw damaged(folder, `${file} cannot be read`, cause);
      });
      if (digestBytes(bytes) !== digest) throw damaged(folder, `${file} was changed`);
      const subject = subjects.get(readAttestation(bytes).subject);
      if (subject === undefined) throw damaged(folder, `${file} is about another image`);
      const size = subject.bytes.length;
      const { manifest, blobs } = attestationManifest(bytes, {
        mediaType: subject.mediaType,
        digest: subject.digest,
        size,
      });
      const { artifactType, annotations } = artifactSchema.parse(
        JSON.parse(Buffer.from(manifest.bytes).toString("utf8")),
      );
      return { subject: subject.digest, manifest, blobs, artifactType, annotations };
    }),
  );
}

function describe({ blobs, bytes, attestations }: Pushed): string {
  if (blobs.sent + attestations.sent === 0) return "all was there";
  const statements = `${attestations.sent} ${attestations.sent === 1 ? "statement" : "statements"}`;
  return [
    `${showSize(bytes)} in ${blobs.sent} blobs, ${blobs.present} were there`,
    ...(attestations.sent === 0 ? [] : [`${statements} about it`]),
  ].join("; ");
}
