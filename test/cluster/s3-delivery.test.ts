// A model that is no layer of its image: the real binary stores it in a bucket, and the cluster's pods fetch it by digest.
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWay, type Way } from "../e2e/kubernetes/store.ts";
import { openCancer, type Project } from "../e2e/project.ts";
import { testEnvironment } from "../s3/open-store.ts";
import type { Place } from "../s3/ask.ts";
import { keysIn, openBucket, removeBucket } from "../s3/own-bucket.ts";
import { openSite, routerImage, type Site } from "./kit.ts";

const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
let way: Way;
let place: Place;
let site: Site;
let project: Project;

/** Puts a version in place whose pods read the bucket with credentials of their own. */
async function handOver(version: string): Promise<void> {
  // The testbed's kubelet does not count local storage, so its node offers none.
  const storage = { "ephemeral-storage": null };
  const resources = { requests: { ...storage, cpu: "50m" }, limits: { ...storage, cpu: "1" } };
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = testEnvironment;
  const env = [
    { name: "AWS_ACCESS_KEY_ID", value: id },
    { name: "AWS_SECRET_ACCESS_KEY", value: secret },
  ];
  const spec = {
    containers: [{ name: "server", resources, lifecycle: { preStop: { sleep: { seconds: 2 } } } }],
    initContainers: [{ name: "fetch-model", resources, env }],
  };
  await project.handOver(version, version, {
    image: {
      repository: `${registry}/mlship-test/s3-delivery-${process.pid}`,
      base: `${registry}/library/python:3.11-slim`,
      delivery: "s3",
    },
    artifacts: {
      store: `s3://${place.bucket}/models`,
      s3: { endpoint: way.endpoint, region: "us-east-1" },
    },
    deploy: {
      target: "kubernetes",
      context: "testbed",
      namespace: site.namespace,
      replicas: { min: 1, max: 2 },
      resources: { cpu: "200m", memory: "256Mi" },
      router: { image: routerImage },
      canary: { steps: [100], bake: "2s" },
      patches: [{ kind: "Deployment", merge: { spec: { minReadySeconds: 0, template: { spec } } } }],
    },
  });
}

beforeAll(async () => {
  way = await openWay();
  place = await openBucket(process.env["MLSHIP_TEST_S3"]);
  site = openSite("tumour");
  project = await openCancer("1.0.0", { ...testEnvironment });
});

afterAll(async () => {
  await project.close();
  await site.close();
  await removeBucket(place);
  way.close();
});

test("doctor finds registry, cluster, store and delivery well", async () => {
  await handOver("1.0.0");
  const { findings } = await project.json<{ findings: { check: string; outcome: string }[] }>(["doctor"]);
  const by = Object.fromEntries(findings.map(({ check, outcome }) => [check, outcome]));
  const ok = Object.fromEntries(
    ["docker", "registry", "delivery", "store", "clock"].map((check) => [check, "ok"]),
  );
  expect(by).toMatchObject(ok);
  expect(["ok", "warn"]).toContain(by["cluster"]);
});

// Locked, built, pushed and started from nothing: slow on a machine that does other things as well.
test("the model reaches the pods by its digest, and they serve it", { timeout: 600_000 }, async () => {
  await project.mlship(["lock"]);
  const { told } = await project.mlship(["deploy"]);
  expect(told).toContain("✔ 1.0.0 was promoted");
  const pods = site
    .kubectl("get", "pods", "-l", "app.kubernetes.io/name=tumour", "-o", "name")
    .trim()
    .split("\n");
  const [pod = ""] = pods;
  expect(site.kubectl("logs", pod, "-c", "fetch-model")).toMatch(/fetched 1 files, \d+ bytes/);
  const spec = site.kubectl("get", pod, "-o", "jsonpath={.spec.initContainers[0]}");
  expect(spec).toContain(`{"name":"AWS_ENDPOINT_URL_S3","value":"${way.endpoint}"}`);
  expect(spec).toContain(`"s3://${place.bucket}/models"`);
  expect((await keysIn(place)).some((key) => key.startsWith("models/blobs/sha256/"))).toBe(true);
});
