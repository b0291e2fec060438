// The Service: the address that stays when versions change.
import type { JsonObject, KubernetesObject, Manifest } from "../manifest.ts";
import { modelSelector, stableMetadata } from "../names.ts";
import type { Served } from "../served.ts";

/** Port of the Service. */
export const servicePort = 80;

/** The Service of a model as it stands without a rollout: it reaches every ready server. */
export function service(served: Served): Manifest {
  return {
    file: "service.yaml",
    about: [
      "The address of the model in the cluster; it stays the same from version to version. It reaches every ready server of the model, whatever the revision: while one takes over from another, both answer.",
    ],
    object: serviceObject(stableMetadata(served), modelSelector(served)),
  };
}

/** A Service that sends to the port `http` of what it selects. */
export function serviceObject(
  metadata: KubernetesObject["metadata"],
  selector: JsonObject,
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: servicePort, targetPort: "http", protocol: "TCP", appProtocol: "http" }],
    },
  };
}
