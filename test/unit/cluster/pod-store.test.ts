// Stores that pods can read, and the way to them in the objects.
import { describe, expect, it } from "vitest";
import { objectsOf } from "../../../src/cluster/objects.ts";
import { podStoreOf } from "../../../src/cluster/pod-store.ts";
import type { PodStore, Served } from "../../../src/cluster/served.ts";
import type { ArtifactSettings } from "../../../src/config/config.ts";
import { plainBucket } from "../../s3/plain-bucket.ts";
import { deliveries } from "./example.ts";
import { failureOf } from "./failure.ts";

const settings: ArtifactSettings = {
  store: "s3://acme-models/fraud",
  singleWriter: false,
  encryption: null,
  s3: { ...plainBucket, profile: "work", encryption: "kms" },
};

describe("a store of pods", () => {
  it("is a bucket that the server decrypts; the profile stays at home", () => {
    const { store } = settings;
    expect(podStoreOf(settings)).toEqual({ store, endpoint: null, region: null, pathStyle: "auto" });
  });

  it.each<[string, Partial<ArtifactSettings>]>([
    ["a folder", { store: "/home/me/.mlship/store" }],
    ["Google's storage", { store: "gs://acme-models/fraud" }],
    ["objects that this machine encrypts", { encryption: { keyFile: "/key", kmsKey: null } }],
    ["a key of the customer's", { s3: { ...settings.s3, encryption: "customer", customerKeyFile: "/key" } }],
  ])("is not %s", (_what, other) => {
    const failure = failureOf(() => podStoreOf({ ...settings, ...other }));
    expect(failure).toMatchObject({ code: "cluster.store", exit: "usage" });
    expect(failure.fix).toContain("baked");
  });
});

/** The environment of the container that fetches, and the ports that it may reach. */
function reach(store: Partial<PodStore>) {
  const { model } = deliveries.s3;
  if (model.kind !== "s3") throw new Error("not the delivery that was asked for");
  const served: Served = { ...deliveries.s3, model: { ...model, ...store } };
  const objects = objectsOf(served).map(({ object }) => object);
  const find = (kind: string): unknown => objects.find((object) => object["kind"] === kind);
  const deployment = find("Deployment") as {
    spec: { template: { spec: { initContainers: [{ env?: object[] }] } } };
  };
  const policy = find("NetworkPolicy") as { spec: { egress: { ports: { port: number }[] }[] } };
  return {
    env: deployment.spec.template.spec.initContainers[0].env,
    ports: policy.spec.egress[1]?.ports.map(({ port }) => port),
  };
}

describe("the way to it", () => {
  it("is AWS's own when nothing is said", () => {
    expect(reach({})).toEqual({ env: undefined, ports: [443] });
  });

  it("has what mlship.yaml says, and the server's port", () => {
    const { env, ports } = reach({
      endpoint: "http://minio.storage:9000",
      region: "eu-west-1",
      pathStyle: "never",
    });
    expect(env).toEqual([
      { name: "AWS_ENDPOINT_URL_S3", value: "http://minio.storage:9000" },
      { name: "AWS_REGION", value: "eu-west-1" },
      { name: "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", value: "true" },
    ]);
    expect(ports).toEqual([443, 9000]);
    expect(reach({ endpoint: "https://s3.example.com" }).ports).toEqual([443]);
    expect(reach({ endpoint: "http://s3.example.com" }).ports).toEqual([443, 80]);
  });
});
