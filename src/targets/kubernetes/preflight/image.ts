// Whether the images that pods are to pull are in their registries.
import { MlshipError } from "../../../errors.ts";
import { parseReference } from "../../../image/oci/reference.ts";
import type { Registry } from "../../../image/ports.ts";

/**
 * The finding for an image that its registry does not have. A registry that does not answer us, or
 * not without credentials, says nothing about the nodes, which have a network and credentials of
 * their own: then the pods will tell.
 */
export async function checkImage(
  registry: Pick<Registry, "manifest">,
  image: string,
): Promise<MlshipError | null> {
  try {
    if ((await registry.manifest(parseReference(image))) !== null) return null;
  } catch (error) {
    if (error instanceof MlshipError && error.exit === "unavailable") return null;
    throw error;
  }
  return new MlshipError({
    code: "preflight.image",
    what: `the image ${image} is not in its registry`,
    fix: "push it again with `mlship push`; where the registry cleans up by age, exempt what serves",
    exit: "unavailable",
  });
}
