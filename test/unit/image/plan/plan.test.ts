// A build plan: what its digest is over, and what each layer's inputs are.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import { imageConfig } from "../../../../src/image/plan/config.ts";
import { planLayers, type LayerInputs } from "../../../../src/image/plan/layers.ts";
import { withDigest } from "../../../../src/image/lock/text.ts";
import { buildArguments, layerNames, makePlan, type PlanParts } from "../../../../src/image/plan/plan.ts";
import { anyLock, exampleLock } from "../lock/example.ts";

const file = (path: string, content = path) => ({ path, size: content.length, sha256: digestBytes(content) });

function inputs(more: Partial<LayerInputs> = {}): LayerInputs {
  return {
    lock: exampleLock(),
    assemble: "assemble",
    loader: "sklearn",
    server: [file("mlship_server/app.py"), file("mlship_server/loaders/sklearn.py")],
    model: [file("model.joblib")],
    runtime: [file("mlship.json"), file("handler.py")],
    ...more,
  };
}

function parts(more: Partial<PlanParts> = {}): PlanParts {
  const evidence = { model: digestBytes("m"), lock: digestBytes("l"), report: digestBytes("r") };
  return {
    name: "fraud",
    version: "1.4.0",
    lock: withDigest(exampleLock()),
    layers: planLayers(inputs()),
    config: imageConfig({
      name: "fraud",
      version: "1.4.0",
      timeoutMs: 2000,
      startTimeoutMs: 60_000,
      baseName: "docker.io/library/python:3.12-slim",
      baseDigest: exampleLock().base.digest,
      evidence,
    }),
    dockerfile: digestBytes("FROM"),
    model: evidence.model,
    report: evidence.report,
    revision: null,
    source: null,
    ...more,
  };
}

/** Names of the layers whose inputs differ. */
function changed(more: Partial<LayerInputs>): string[] {
  const before = new Map(planLayers(inputs()).map((layer) => [layer.name, layer.inputs]));
  return planLayers(inputs(more))
    .filter((layer) => before.get(layer.name) !== layer.inputs)
    .map(({ name }) => name);
}

describe("a plan", () => {
  test("is the same whoever built it of which commit, and another with anything else", () => {
    const { digest } = makePlan(parts());
    expect(makePlan(parts({ revision: "abc", source: "https://example.org" })).digest).toBe(digest);
    const others: Partial<PlanParts>[] = [
      { name: "other" },
      { version: "1.4.1" },
      { layers: planLayers(inputs({ assemble: "other" })) },
      { dockerfile: digestBytes("other") },
      { model: digestBytes("other") },
      { report: digestBytes("other") },
      { config: { ...parts().config, user: "1:1" } },
      { lock: withDigest({ ...exampleLock(), python: "3.13" }) },
    ];
    const digests = others.map((other) => makePlan(parts(other)).digest);
    expect(new Set([digest, ...digests]).size).toBe(others.length + 1);
  });

  test("names the base of the platforms that are built, whatever the lock is", () => {
    fc.assert(
      fc.property(anyLock, (lock) => {
        const plan = makePlan(parts({ lock: withDigest(lock) }));
        expect(Object.keys(plan.base.platforms)).toEqual(plan.platforms);
        expect(plan.platforms).toEqual(lock.inputs.platforms);
        expect(plan.evidence.lock).toBe(withDigest(lock).digest);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      }),
      { numRuns: 30 },
    );
  });

  test("gives builders the time, and of revision and source what there is", () => {
    expect(buildArguments(makePlan(parts()))).toEqual({ SOURCE_DATE_EPOCH: "0" });
    expect(
      buildArguments(makePlan(parts({ revision: "abc-dirty", source: "https://example.org/a" }))),
    ).toEqual({
      SOURCE_DATE_EPOCH: "0",
      REVISION: "abc-dirty",
      SOURCE: "https://example.org/a",
    });
  });
});

describe("layers", () => {
  test("stand in the order in which they change, and say what is in them", () => {
    expect(planLayers(inputs()).map(({ name }) => name)).toEqual([...layerNames]);
    expect(planLayers(inputs()).map(({ about }) => about)).toEqual([
      "2 packages",
      "2 files",
      "model.joblib",
      "2 files",
    ]);
    expect(planLayers(inputs({ model: [] })).map(({ name }) => name)).not.toContain("model");
  });

  test.each<[string, Partial<LayerInputs>, string[]]>([
    ["a handler", { runtime: [file("mlship.json"), file("handler.py", "x")] }, ["runtime"]],
    ["a model", { model: [file("model.joblib", "x")] }, ["model"]],
    ["a name of a model's file", { model: [file("other.joblib", "model.joblib")] }, ["model"]],
    [
      "the server",
      { server: [file("mlship_server/app.py", "x"), file("mlship_server/loaders/sklearn.py")] },
      ["server"],
    ],
    [
      "the format's loader",
      { server: [file("mlship_server/app.py"), file("mlship_server/loaders/sklearn.py", "x")] },
      ["environment", "server"],
    ],
    ["the script that assembles", { assemble: "x" }, ["environment", "server"]],
    ["a distribution", { lock: { ...exampleLock(), packages: { "linux/amd64": [] } } }, ["environment"]],
    ["the base's Python", { lock: { ...exampleLock(), python: "3.13" } }, ["environment", "server"]],
    [
      "a requirement that changes no pin",
      { lock: { ...exampleLock(), inputs: { ...exampleLock().inputs, requirements: ["numpy"] } } },
      [],
    ],
  ])("another %s moves what is made of it, and no other layer", (_what, more, names) => {
    expect(changed(more)).toEqual(names);
  });
});
