// What a container is given of its node.
import type { JsonObject } from "../manifest.ts";
import { modelSpace } from "./space.ts";
import type { Served } from "../served.ts";

/** MiB of `/tmp`. */
export const temporarySpace = 64;
/** MiB for what the container prints, until the kubelet rotates it, and for the runtime's own files. */
const logSpace = 192;

/**
 * Requests and limits of a container. They are equal (quality of service "Guaranteed"): a server has
 * what it was measured with whatever its neighbours do, and is the last to be evicted.
 */
export function resources(served: Served): JsonObject {
  const { cpu, memory } = served.deploy.resources;
  const storage = `${temporarySpace + logSpace + modelSpace(served)}Mi`;
  const given = { cpu, memory, "ephemeral-storage": storage };
  return { requests: given, limits: given };
}
