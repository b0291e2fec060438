// Sends an image that was built to its registry: shared by push and deploy.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { digestBytes, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { attestationManifest, readAttestation } from "../../image/attestations/manifest.ts";
import type { KeptImage } from "../../image/build-record.ts";
import { damaged, readLayout, type Layout } from "../../image/oci/layout.ts";
import { modelTag } from "../../image/plan/model-image.ts";
import type { Registry } from "../../image/ports.ts";
import { pushImage, type Pushed, type PushOptions } from "../../image/oci/push.ts";
import type { Attachment } from "../../image/oci/push-referrers.ts";
import { formatReference, parseReference, type Reference } from "../../image/oci/reference.ts";
import { showSize } from "../../image/check/sizes.ts";
import type { Host } from "../host.ts";
import type { Project } from "../project.ts";
import { inStep } from "../step.ts";

/** What a registry has of an image now. */
export interface Sent extends Pushed {
  /** `repository@sha256:…`: what a deployment names. */
  reference: string;
}

/** Server's and model's images in their registry. */
export interface SentImages extends Sent {
  /** The model's own image, where pods mount it. */
  model: Sent | null;
}

/**
 * Sends an image with what is said about it, under its version and its digest. What is there is not
 * sent again.
 * @throws MlshipError `image.damaged`, exit 7; `registry.*`, exit 5; `push.tag-taken`, exit 2.
 */
export async function sendImage(target: Reference, host: Host, kept: KeptImage): Promise<SentImages> {
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
  const send = async (what: Sending) => await pushOne(host, registry, target, what);
  const nothing = { attachments: [], base: new Set<Digest>() };
  const pushedModel =
    model === null ? null : await send({ ...nothing, layout: model, tag: modelTag(version) });
  const base = new Set(images.flatMap(({ layers }) => baseLayers(layers)));
  const pushed = await send({ layout, tag: version, attachments, base });
  return { ...pushed, model: pushedModel };
}

/** Where the project's images go. @throws MlshipError `push.no-repository`, exit 2 */
export function targetOf({ config }: Project): Reference {
  const { repository } = config.image;
  if (repository !== null) return parseReference(repository);
  throw new MlshipError({
    code: "push.no-repository",
    what: "mlship.yaml does not say where the image goes",
    fix: "set image.repository, such as ghcr.io/acme/fraud",
    exit: "usage",
  });
}

/** One image that is pushed. */
type Sending = Pick<PushOptions, "layout" | "tag" | "attachments" | "base">;

/** Pushes one image as one visible step. */
async function pushOne(host: Host, registry: Registry, target: Reference, what: Sending): Promise<Sent> {
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
