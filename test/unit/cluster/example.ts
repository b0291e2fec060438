// A release to make objects of, and ways to vary it.
import { digestBytes } from "../../../src/digest.ts";
import type { Served } from "../../../src/cluster/served.ts";

const repository = "ghcr.io/acme/fraud";

/** The release that the tests of this room start from: everything as mlship.yaml's defaults have it. */
export const served: Served = {
  name: "fraud",
  version: "1.4.0",
  revision: "fraud-1-4-0-9c1f7a2b",
  image: `${repository}@${digestBytes("image")}`,
  model: { kind: "baked" },
  serve: { port: 8080, timeoutMs: 2000, idempotent: true },
  deploy: {
    target: "local",
    strategy: "canary",
    context: null,
    replicas: { min: null, max: 10, cpu: 70, memory: 80 },
    namespace: "ml",
    router: { image: "haproxy:3.2-alpine", sticky: "none", header: null },
    resources: { cpu: "500m", memory: "512Mi" },
    monitor: "none",
    route: null,
    patches: [],
    canary: {
      steps: [5, 25, 50],
      split: "router",
      intervalMs: 60_000,
      maxHarm: 0.01,
      maxSlowdown: 2,
      maxShift: 0.3,
      holdMs: 600_000,
      bakeMs: 30_000,
      startTimeoutMs: 60_000,
    },
  },
  evidence: {
    plan: digestBytes("plan"),
    model: digestBytes("model"),
    lock: digestBytes("lock"),
    report: digestBytes("report"),
  },
};

/** The same with other keys of `deploy`. */
export function deployedWith(deploy: Partial<Served["deploy"]>): Served {
  return { ...served, deploy: { ...served.deploy, ...deploy } };
}

const files = [
  { path: "model/one.bin", size: 3_000_000, sha256: digestBytes("one") },
  { path: "two.json", size: 12, sha256: digestBytes("two") },
];

/** The same release, its model travelling in each of the three ways. */
export const deliveries: Record<Served["model"]["kind"], Served> = {
  baked: served,
  "image-volume": {
    ...served,
    model: { kind: "image-volume", reference: `${repository}-model@${digestBytes("model image")}` },
  },
  s3: {
    ...served,
    model: {
      kind: "s3",
      store: "s3://acme-models/fraud",
      endpoint: null,
      region: null,
      pathStyle: "auto",
      files,
    },
  },
};

/** The same release with everything that can be asked for. */
export const everything: Served = deployedWith({
  monitor: "podMonitor",
  route: { gateway: "infra/public", hosts: ["fraud.example.com"] },
});
