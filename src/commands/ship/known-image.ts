// Finds the image that an earlier deploy of the same plan left in the registry, so that it is not made again.
import { fetchRelease } from "../../artifacts/fetch.ts";
import { releaseOf } from "../../artifacts/versions.ts";
import type { Served } from "../../cluster/served.ts";
import { parseReference } from "../../image/oci/reference.ts";
import type { Making } from "../build/make-image.ts";
import type { Site } from "../site.ts";
import { sourceOf } from "./served-from.ts";
import { servedOf } from "./served-store.ts";

/** Where an image is, and where its model comes from. */
export type Image = Pick<Served, "image" | "model">;

/** The images of a plan in the registry; null when none is known, or the registry lost it. */
export async function findPushed(site: Site, making: Making): Promise<Image | null> {
  const known = (await servedBefore(site, making)) ?? (await namedByRelease(site, making));
  if (known === null) return null;
  const { image, model } = known;
  const registry = await site.host.registry();
  const wanted = [image, ...(model.kind === "image-volume" ? [model.reference] : [])];
  for (const one of wanted) if ((await registry.manifest(parseReference(one))) === null) return null;
  return known;
}

/** As an earlier deploy served it. */
async function servedBefore({ project, store }: Site, { planned }: Making): Promise<Image | null> {
  const { name, version, image } = project.config;
  const known = await servedOf(store, name, version);
  const same = known.findLast(
    ({ document }) =>
      document.evidence.plan === planned.plan.digest && isIn(image.repository, document.image),
  );
  return same === undefined ? null : { image: same.document.image, model: same.document.model };
}

/** As `mlship upload` found it, maybe on another machine: then nobody has to build it here. */
async function namedByRelease({ project, store }: Site, making: Making): Promise<Image | null> {
  const { name, version, image } = project.config;
  const digest = await releaseOf(store, name, version);
  const named = digest === null ? undefined : (await fetchRelease(store, digest)).image;
  if (named?.plan !== making.planned.plan.digest || !isIn(image.repository, named.reference)) return null;
  return { image: named.reference, model: sourceOf(making, named.model) };
}

function isIn(repository: string | null, reference: string): boolean {
  if (repository === null) return false;
  const wanted = parseReference(repository);
  const found = parseReference(reference);
  return wanted.registry === found.registry && wanted.repository === found.repository;
}
