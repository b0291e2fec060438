// The served document: what makes another revision, and that it comes back as it was written.
import { describe, expect, it } from "vitest";
import { makeServed, readServed } from "../../../src/cluster/served-document.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { canonicalJson, digestBytes } from "../../../src/digest.ts";
import { deliveries, deployedWith, everything, served } from "./example.ts";
import { failureOf } from "./failure.ts";

const release = digestBytes("release");
const digestOf = (parts: Served) => makeServed(parts, release).digest;
const { canary } = served.deploy;

describe("digest", () => {
  it.each<[string, Served]>([
    ["the image", { ...served, image: "other" }],
    ["how the model travels", deliveries["image-volume"]],
    ["the model's files", deliveries.s3],
    ["resources", deployedWith({ resources: { cpu: "2", memory: "512Mi" } })],
    ["the number of servers", deployedWith({ replicas: { min: 4, max: 10, cpu: 70, memory: 80 } })],
    ["a patch", deployedWith({ patches: [{ kind: "Deployment", merge: { spec: { minReadySeconds: 9 } } }] })],
    ["the time that an answer may take", { ...served, serve: { ...served.serve, timeoutMs: 3000 } }],
  ])("changes with %s", (_what, parts) => {
    expect(digestOf(parts)).not.toBe(digestOf(served));
  });

  it.each<[string, Served]>([
    ["the revision's name", { ...served, revision: "another" }],
    ["the canary's steps", deployedWith({ canary: { ...canary, steps: [1], intervalMs: 1, maxHarm: 0.5 } })],
    ["the strategy", deployedWith({ strategy: "blue-green" })],
    ["the router", deployedWith({ router: { image: "other", sticky: "cookie", header: null } })],
    ["the kubeconfig's context", deployedWith({ context: "other" })],
    ["the port on this machine", { ...served, serve: { ...served.serve, port: 9 } }],
  ])("does not change with %s", (_what, parts) => {
    expect(digestOf(parts)).toBe(digestOf(served));
  });
});

describe("document", () => {
  it("comes back as it was written, with every delivery and every patch", () => {
    const patched = deployedWith({
      context: "c",
      patches: [
        { kind: "Service", name: "fraud", merge: { metadata: { annotations: { a: "b" } } } },
        { kind: "Deployment", json: [{ op: "remove", path: "/spec/minReadySeconds" }] },
      ],
    });
    for (const parts of [...Object.values(deliveries), everything, patched]) {
      const document = makeServed(parts, release);
      expect(readServed(JSON.parse(canonicalJson(document)))).toEqual(document);
      const { revision: _revision, ...content } = parts;
      expect(document).toMatchObject({ schema: "mlship.served/v1", release, ...content });
      expect(document).not.toHaveProperty("revision");
    }
  });

  it("is refused when it is something else", () => {
    const document = makeServed(served, release);
    for (const wrong of [
      null,
      {},
      { ...document, schema: "mlship.served/v2" },
      { ...document, digest: "sha256:x" },
    ])
      expect(failureOf(() => readServed(wrong))).toMatchObject({
        code: "cluster.served-document",
        exit: "attention",
      });
  });
});
