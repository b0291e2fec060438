// How a planned image is served as mlship.yaml says, and what of it a release names.
import type { ServedDocument } from "../../cluster/served-document.ts";
import { makeServed } from "../../cluster/served-document.ts";
import { podStoreOf } from "../../cluster/pod-store.ts";
import { renderKubernetes } from "../../cluster/render.ts";
import type { Digest } from "../../digest.ts";
import type { Making } from "../build/make-image.ts";
import type { Links } from "../release-links.ts";
import type { Image } from "./known-image.ts";
import { revisionServed } from "./served-store.ts";

/** Where pods get the model from. @param modelImage the model's own image, where it has one */
export function sourceOf({ project, judgement }: Making, modelImage: string | null): Image["model"] {
  const { image, artifacts } = project.config;
  if (modelImage !== null) return { kind: "image-volume", reference: modelImage };
  if (image.delivery !== "s3") return { kind: "baked" };
  const { model, handler } = judgement.candidate;
  const files = model.files.filter((file) => file.path !== handler);
  return { kind: "s3", ...podStoreOf(artifacts), files };
}

/** The document that says how a release is served. */
export function servedFrom(
  { project, planned }: Making,
  { image, model }: Image,
  release: Digest,
): ServedDocument {
  const { name, version, serve, deploy } = project.config;
  const { plan } = planned;
  const evidence = { plan: plan.digest, ...plan.evidence };
  return makeServed({ name, version, image, model, serve, deploy, evidence }, release);
}

/**
 * The image and its Kubernetes objects, for the release that names them.
 * @param plan what the image was built from; null where that is not known
 */
export function linksTo(making: Making, image: Image, plan: Digest | null): Links {
  // The release is not made yet; nothing of it but its version stands in the objects.
  const served = servedFrom(making, image, making.planned.plan.digest);
  return {
    image: {
      reference: image.image,
      model: image.model.kind === "image-volume" ? image.model.reference : null,
      plan,
    },
    objects: renderKubernetes({ ...served, revision: revisionServed(served).id }),
  };
}
