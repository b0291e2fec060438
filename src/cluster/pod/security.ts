// What a container may do: Pod Security's profile "restricted", and less.
import type { JsonObject } from "../manifest.ts";

/** User and group of the image; above 10000, so that it is no account of the node. */
const user = 65532;

const identity = { runAsNonRoot: true, runAsUser: user, runAsGroup: user };
const seccomp = { seccompProfile: { type: "RuntimeDefault" } };

/** `securityContext` of the pod. `fsGroup` makes its volumes writable to the group. */
export const podSecurity: JsonObject = { ...identity, fsGroup: user, ...seccomp };

/** `securityContext` of each container: said again, as some checkers read only one of the two. */
export const containerSecurity: JsonObject = {
  ...identity,
  ...seccomp,
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
