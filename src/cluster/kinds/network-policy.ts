// The NetworkPolicy: who may reach a server, and what a server may reach.
import type { JsonObject, Manifest } from "../manifest.ts";
import { modelSelector, stableMetadata } from "../names.ts";
import { containerPort, type PodStore, type Served } from "../served.ts";

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
 * S3 and the token service: their addresses change, so only ports can be named. Then the
 * two places on a node that hand out credentials: EC2's metadata and EKS Pod Identity.
 */
function toStore({ endpoint }: PodStore): JsonObject[] {
  const ports = new Set([https, ...(endpoint === null ? [] : [portOf(new URL(endpoint))])]);
  return [
    { ports: [...ports].map((port) => ({ protocol: "TCP", port })) },
    {
      to: [{ ipBlock: { cidr: "169.254.169.254/32" } }, { ipBlock: { cidr: "169.254.170.23/32" } }],
      ports: [{ protocol: "TCP", port: 80 }],
    },
  ];
}

const https = 443;

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "http:" ? 80 : https) : Number(port);
}

/** The NetworkPolicy of a model. */
export function networkPolicy(served: Served): Manifest {
  const store = served.model.kind === "s3" ? served.model : null;
  return {
    file: "network-policy.yaml",
    about: [
      "Requests come in on the server's port and on no other.",
      store !== null
        ? "Out go DNS, requests to the store on its port, and requests for credentials on the node."
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
        egress: store === null ? [dns] : [dns, ...toStore(store)],
      },
    },
  };
}
