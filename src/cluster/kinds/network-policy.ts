// The NetworkPolicy: who may reach a server, and what a server may reach.
import type { JsonObject, Manifest } from "../manifest.ts";
import { modelSelector, stableMetadata } from "../names.ts";
import { containerPort, type Served } from "../served.ts";

/** The cluster's DNS, and the link-local address of its cache on the node (NodeLocal DNSCache). */
const dns: JsonObject = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
    { ipBlock: { cidr: "169.254.20.10/32" } },
  ],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

/**
 * S3 and the token service by HTTPS: their addresses change, so only the port can be named. Then the
 * two places on a node that hand out credentials: EC2's metadata and EKS Pod Identity.
 */
const s3: JsonObject[] = [
  { ports: [{ protocol: "TCP", port: 443 }] },
  {
    to: [{ ipBlock: { cidr: "169.254.169.254/32" } }, { ipBlock: { cidr: "169.254.170.23/32" } }],
    ports: [{ protocol: "TCP", port: 80 }],
  },
];

/** The NetworkPolicy of a model. */
export function networkPolicy(served: Served): Manifest {
  const fetches = served.model.kind === "s3";
  return {
    file: "network-policy.yaml",
    about: [
      "Requests come in on the server's port and on no other.",
      fetches
        ? "Out go DNS, HTTPS to the store, and requests for credentials on the node. A store on another port needs a patch."
        : "Nothing goes out but DNS: a server needs nobody to answer, so whoever breaks into one is alone there.",
      "It selects by exactly one label, which all revisions have.",
    ],
    object: {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: stableMetadata(served),
      spec: {
        podSelector: { matchLabels: modelSelector(served) },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ ports: [{ protocol: "TCP", port: containerPort }] }],
        egress: fetches ? [dns, ...s3] : [dns],
      },
    },
  };
}
