// The HTTPRoute: how users from outside reach the Service through a Gateway.
import { lifecycleOf } from "../pod/lifecycle.ts";
import type { Manifest } from "../manifest.ts";
import { stableMetadata, stableName } from "../names.ts";
import { servicePort } from "./service.ts";
import type { Served } from "../served.ts";

/** What users may ask; metrics and health stay inside. */
const paths = ["/predict", "/info"];

/** The HTTPRoute of a model where one is asked for (`deploy.route`); else nothing. */
export function route(served: Served): Manifest[] {
  const asked = served.deploy.route;
  if (asked === null) return [];
  const [name = "", namespace] = asked.gateway.split("/").toReversed();
  const parent = namespace === undefined ? { name } : { name, namespace };
  return [
    {
      file: "http-route.yaml",
      about: [
        "Users come in by this Gateway. Only predictions and the description of the model are reachable from outside, not metrics and health.",
      ],
      object: {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: stableMetadata(served),
        spec: {
          parentRefs: [parent],
          ...(asked.hosts.length === 0 ? {} : { hostnames: asked.hosts }),
          rules: [
            {
              matches: paths.map((value) => ({ path: { type: "Exact", value } })),
              backendRefs: [{ name: stableName(served.name), port: servicePort }],
              // A second more than the server takes, so that its own answer arrives first.
              timeouts: { request: `${Math.ceil(lifecycleOf(served).timeout) + 1}s` },
            },
          ],
        },
      },
    },
  ];
}
