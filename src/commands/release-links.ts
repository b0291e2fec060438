// What a release names of the world around it: its image, and the objects that serve it.
import type { Release } from "../artifacts/release.ts";
import type { KubernetesFile } from "../cluster/render.ts";
import { MlshipError } from "../errors.ts";

/** Found or made before the release is stored. */
export interface Links {
  /** Null where no image of the release is known. */
  image: NonNullable<Release["image"]> | null;
  /** Files of Kubernetes objects; empty for other targets, and without an image. */
  objects: readonly KubernetesFile[];
}

/** Of a release that needs no image. */
export const noLinks: Links = { image: null, objects: [] };

/**
 * Refuses to serve a release by another image than the one that it names. The repository may be
 * another one: the digest decides.
 * @throws MlshipError `release.other-image`, exit 2
 */
export function requireImage({ name, version, image }: Release, reference: string): void {
  if (image === undefined || digestOf(image.reference) === digestOf(reference)) return;
  throw new MlshipError({
    code: "release.other-image",
    what: `${name} ${version} was released with another image`,
    why: `it names ${image.reference}, and this would be ${reference}`,
    fix: "raise version in mlship.yaml, or let --bump patch do it: a version is one image for ever",
    exit: "usage",
  });
}

function digestOf(reference: string): string | undefined {
  return reference.split("@").at(-1);
}
