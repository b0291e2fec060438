// Finds the image that an earlier deploy of the same plan left in the registry, so that it is not made again.
import type { Served } from "../../cluster/served.ts";
import type { Digest } from "../../digest.ts";
import { parseReference } from "../../image/oci/reference.ts";
import type { Site } from "../site.ts";
import { servedOf } from "./served-store.ts";

/** Where an image is, and where its model comes from. */
export type Image = Pick<Served, "image" | "model">;

/** The images of a plan in the registry; null when none is known, or the registry lost it. */
export async function findPushed(site: Site, plan: Digest): Promise<Image | null> {
  const { project, host } = site;
  const { name, version, image } = project.config;
  const known = await servedOf(site.store, name, version);
  const same = known.findLast(
    ({ document }) =>
      document.evidence.plan === plan && document.image.startsWith(`${image.repository ?? ""}@`),
  );
  if (same === undefined) return null;
  const { image: reference, model } = same.document;
  const registry = await host.registry();
  const wanted = [reference, ...(model.kind === "image-volume" ? [model.reference] : [])];
  for (const one of wanted) if ((await registry.manifest(parseReference(one))) === null) return null;
  return { image: reference, model };
}
