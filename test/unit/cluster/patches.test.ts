// deploy.patches: what each kind of patch does, and that none is lost without a word.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectsOf } from "../../../src/cluster/objects.ts";
import { mergeMap } from "../../../src/cluster/patches/strategic-merge.ts";
import { shapeOf } from "../../../src/cluster/patches/merge-shapes.ts";
import { ordered } from "../../../src/cluster/patches/merge-order.ts";
import type { JsonObject } from "../../../src/cluster/manifest.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { MlshipError } from "../../../src/errors.ts";
import { deployedWith, served } from "./example.ts";
import { mergeCases } from "./merge-cases.ts";

type Patch = Served["deploy"]["patches"][number];

const patchedBy = (...patches: Patch[]) => objectsOf(deployedWith({ patches }));
const deploymentBy = (...patches: Patch[]) =>
  patchedBy(...patches).find(({ object }) => object.kind === "Deployment");
const failureOf = (...patches: Patch[]) => {
  try {
    patchedBy(...patches);
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
const pod = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });

describe("a strategic merge patch", () => {
  it.each(mergeCases)("$name", ({ kind, original, patch, merged }) => {
    const before = structuredClone(original);
    expect(mergeMap(original, patch, shapeOf(kind), "")).toEqual(merged);
    expect(original, "the original is left alone").toEqual(before);
  });

  it("merges into mlship's own objects by name", () => {
    const manifest = deploymentBy({
      kind: "Deployment",
      merge: pod({
        nodeSelector: { pool: "ml" },
        containers: [{ name: "server", env: [{ name: "A", value: "1" }] }],
      }),
    });
    expect(manifest?.object).toMatchObject(
      pod({
        nodeSelector: { pool: "ml" },
        containers: [{ name: "server", env: [{ name: "A", value: "1" }] }],
      }),
    );
    const plain = deploymentBy()?.object;
    expect(JSON.stringify(manifest?.object).length).toBeGreaterThan(JSON.stringify(plain).length);
    expect(manifest?.about.at(-1)).toBe("Changed by deploy.patches[0] of mlship.yaml.");
  });

  it("takes an object away", () => {
    const kinds = patchedBy({ kind: "NetworkPolicy", merge: { $patch: "delete" } }).map(
      ({ object }) => object.kind,
    );
    expect(kinds).not.toContain("NetworkPolicy");
    expect(kinds).toHaveLength(objectsOf(served).length - 1);
  });

  const key = fc.constantFrom("a", "b", "c");
  const map = fc.dictionary(key, fc.oneof(fc.integer(), fc.dictionary(key, fc.string())));

  it("changes nothing when it is empty, and nothing more the second time", () => {
    fc.assert(
      fc.property(map, map, (original, patch) => {
        expect(mergeMap(original, {}, {}, "")).toEqual(original);
        const once = mergeMap(original, patch, {}, "");
        expect(mergeMap(once, patch, {}, "")).toEqual(once);
        expect(once).toMatchObject(patch);
      }),
    );
  });

  it("orders a merged list: all of it once, both orders kept, what is new first", () => {
    const keys = fc.uniqueArray(fc.nat(9));
    fc.assert(
      fc.property(keys, keys, (original, patch) => {
        const order = ordered(original, patch, new Set([...original, ...patch]));
        expect(order).toHaveLength(new Set(order).size);
        expect(new Set(order)).toEqual(new Set([...original, ...patch]));
        const only = (all: readonly unknown[], some: readonly unknown[]) =>
          all.filter((name) => some.includes(name));
        expect(only(order, patch)).toEqual(patch);
        const rest = original.filter((name) => !patch.includes(name));
        expect(only(order, rest)).toEqual(rest);
      }),
    );
  });
});

describe("a JSON patch", () => {
  it("does its operations in their order", () => {
    const manifest = deploymentBy({
      kind: "Deployment",
      json: [
        { op: "test", path: "/spec/minReadySeconds", value: 5 },
        { op: "replace", path: "/spec/minReadySeconds", value: 9 },
        { op: "add", path: "/spec/template/spec/containers/0/args/-", value: "--workers=2" },
        { op: "remove", path: "/metadata/annotations/mlship.dev~1plan" },
        { op: "copy", from: "/spec/minReadySeconds", path: "/spec/revisionHistoryLimit" },
      ],
    });
    expect(manifest?.object).toMatchObject({ spec: { minReadySeconds: 9, revisionHistoryLimit: 9 } });
    expect(JSON.stringify(manifest?.object["spec"])).toContain("--workers=2");
    expect(manifest?.object.metadata["annotations"]).not.toHaveProperty(["mlship.dev/plan"]);
  });

  it.each([
    { op: "remove", path: "/spec/nothing" },
    { op: "remove", path: "/metadata/constructor" },
    { op: "remove", path: "/spec/template/spec/containers/7" },
    { op: "replace", path: "/spec/tempalte", value: {} },
    { op: "replace", path: "/metadata/toString", value: "x" },
    { op: "add", path: "/spec/no/where", value: 1 },
    { op: "add", path: "/spec/template/spec/containers/9", value: {} },
    { op: "add", path: "/spec/template/spec/containers/x", value: {} },
    { op: "add", path: "spec", value: {} },
    { op: "add", path: "/spec" },
    { op: "add", path: "/__proto__/polluted", value: true },
    { op: "move", path: "/spec/x", from: "/spec/nothing" },
    { op: "copy", path: "/spec/x" },
    { op: "test", path: "/kind", value: "Pod" },
    { op: "merge", path: "/kind" },
    { op: "replace", path: "", value: [] },
  ])("is refused when it cannot be done: $op $path", (operation) => {
    const failure = failureOf({ kind: "Deployment", json: [operation] });
    expect(failure).toMatchObject({ code: "deploy.patch-invalid", exit: "usage" });
    expect(failure.what).toContain("deploy.patches[0]");
    expect(failure.what).toContain("Deployment fraud-1-4-0-9c1f7a2b");
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("no patch is lost", () => {
  it.each([
    { kind: "Deplyment", merge: {} },
    { kind: "Deployment", name: "fraud", merge: {} },
    { kind: "PodMonitor", merge: {} },
  ])("one that matches no object: $kind $name", (patch) => {
    const failure = failureOf({ kind: "Service", merge: { metadata: { labels: { a: "b" } } } }, patch);
    expect(failure).toMatchObject({ code: "deploy.patch-unmatched", exit: "usage" });
    expect(failure.what).toContain("deploy.patches[1]");
    expect(failure.why).toContain("Deployment fraud-1-4-0-9c1f7a2b");
  });

  it("one that says nothing", () => {
    expect(failureOf({ kind: "Deployment" })).toMatchObject({ code: "deploy.patch-empty", exit: "usage" });
  });

  it.each<{ what: string; merge: Patch["merge"] }>([
    { what: "removes a member that is not there", merge: { spec: { replicas: null } } },
    { what: "removes a member of something new", merge: pod({ dnsConfig: { searches: null } }) },
    {
      what: "removes a container that is not there",
      merge: pod({ containers: [{ name: "sidecar", $patch: "delete" }] }),
    },
    { what: "has an element without its key", merge: pod({ containers: [{ image: "x" }] }) },
    { what: "has another directive", merge: { $setElementOrder: [] } },
    { what: "has a directive of another value", merge: { spec: { $patch: "remove" } } },
    { what: "retains less than it sets", merge: { spec: { $retainKeys: ["a"], b: 1 } } },
    { what: "renames the object", merge: { metadata: { name: "other" } } },
    { what: "moves the object", merge: { metadata: { namespace: "other" } } },
    { what: "makes it another kind", merge: { kind: "StatefulSet" } },
    { what: "deletes and sets", merge: { $patch: "delete", spec: {} } },
    { what: "is a list", merge: [] },
    { what: "is a text", merge: "spec" },
  ])("one that $what", ({ merge }) => {
    const failure = failureOf({ kind: "Deployment", merge });
    expect(failure).toMatchObject({ code: "deploy.patch-invalid", exit: "usage" });
    expect(failure.what).toContain("deploy.patches[0]");
  });
});
