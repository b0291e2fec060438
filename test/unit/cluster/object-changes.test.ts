import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Manifest, JsonObject } from "../../../src/cluster/manifest.ts";
import { objectChanges } from "../../../src/cluster/object-changes.ts";

const manifest = (kind: string, name: string, spec: JsonObject): Manifest => ({
  file: "x.yaml",
  about: [],
  object: { apiVersion: "v1", kind, metadata: { name, namespace: "ml" }, spec },
});

it("names values by path, containers by name, whole objects by kind", () => {
  const before = [
    manifest("Deployment", "a", {
      replicas: 1,
      containers: [{ name: "server", memory: "1Gi" }, { name: "side" }],
      args: ["a", "b"],
      "mlship.dev/x": 1,
    }),
    manifest("Service", "one", {}),
    manifest("Service", "two", { port: 1 }),
  ];
  const after = [
    manifest("Deployment", "a", {
      replicas: 2,
      containers: [{ name: "side" }, { name: "server", memory: "2Gi", env: [] }],
      args: ["a"],
      "mlship.dev/x": 2,
    }),
    manifest("Service", "two", { port: 2 }),
    manifest("Service", "three", {}),
    manifest("PodMonitor", "a", {}),
  ];
  expect(objectChanges(before, after)).toEqual([
    { object: "Deployment", path: "spec.replicas", from: "1", to: "2" },
    { object: "Deployment", path: "spec.containers[server].memory", from: '"1Gi"', to: '"2Gi"' },
    { object: "Deployment", path: "spec.args[1]", from: '"b"', to: null },
    { object: "Deployment", path: 'spec["mlship.dev/x"]', from: "1", to: "2" },
    { object: "Deployment", path: "spec.containers[server].env", from: null, to: "[]" },
    { object: "Service one", path: "", from: "{}", to: null },
    { object: "Service two", path: "spec.port", from: "1", to: "2" },
    { object: "Service three", path: "", from: null, to: "{}" },
    { object: "PodMonitor", path: "", from: null, to: "{}" },
  ]);
});

it("equal trees give no change, and every change is one of a tree", () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("name", "a", "b.c", "d"), tie("tree")),
    ),
  }));
  const spec = fc.dictionary(fc.constantFrom("a", "b"), tree).map((value) => value as JsonObject);
  fc.assert(
    fc.property(spec, spec, (one, other) => {
      const [a, b] = [[manifest("X", "x", one)], [manifest("X", "x", other)]];
      expect(objectChanges(a, structuredClone(a))).toEqual([]);
      const changes = objectChanges(a, b);
      const mirrored = objectChanges(b, a).map(({ from, to, ...rest }) => ({ ...rest, from: to, to: from }));
      const sorted = (all: typeof changes) =>
        all.map(({ object, path, from, to }) => JSON.stringify([object, path, from, to])).toSorted();
      expect(sorted(mirrored)).toEqual(sorted(changes));
      expect(new Set(changes.map(({ path }) => path)).size).toBe(changes.length);
    }),
  );
});
