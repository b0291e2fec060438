// The ServiceAccount: a name for the servers, and no rights.
import type { Manifest } from "../manifest.ts";
import { stableMetadata } from "../names.ts";
import type { Served } from "../served.ts";

/** The ServiceAccount of a model. */
export function serviceAccount(served: Served): Manifest {
  return {
    file: "service-account.yaml",
    about: [
      "The servers' own account. It has no rights and its token is not mounted: a server has nothing to say to the API server.",
    ],
    object: {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: stableMetadata(served),
      automountServiceAccountToken: false,
    },
  };
}
