// Which revision is what, told from objects alone; and what somebody changed in them.
import { assert, constantFrom, property, record, uniqueArray, option } from "fast-check";
import { expect, test } from "vitest";
import { driftOf } from "../../../../src/targets/kubernetes/fleet/drift.ts";
import { see, type Standing } from "../../../../src/targets/kubernetes/observe.ts";
import type { KubeObject } from "../../../../src/targets/kubernetes/ports.ts";
import {
  previousOf,
  withPrevious,
  withStable,
} from "../../../../src/targets/kubernetes/fleet/stable-service.ts";

function object(kind: string, name: string): KubeObject {
  return { apiVersion: "v1", kind, metadata: { name } };
}

function stableService(stable: string, previous: string | null): KubeObject {
  const service = { ...object("Service", "fraud-stable"), spec: { selector: {} } };
  const pointed = withStable(service, "fraud", stable) ?? service;
  return withPrevious(pointed, previous);
}

function standing(stable: string | null, previous: string | null, jobs: string[], sets: string[]): Standing {
  return {
    stableService: stable === null ? null : stableService(stable, previous),
    canaryService: null,
    usersService: null,
    jobs: jobs.map((id) => object("Job", `${id}-canary`)),
    deployments: sets.map((id) => object("Deployment", id)),
  };
}

test.each([
  ["nothing", standing(null, null, [], []), { stable: null, canary: null, previous: null }],
  [
    "first release, on its way",
    standing(null, null, [], ["a"]),
    { stable: null, canary: "a", previous: null },
  ],
  ["quiet", standing("a", null, [], ["a"]), { stable: "a", canary: null, previous: null }],
  ["canary", standing("a", null, ["b"], ["a"]), { stable: "a", canary: "b", previous: null }],
  ["canary and its full set", standing("a", null, ["b"], ["a", "b"]), { canary: "b", others: [] }],
  ["a full set without canary", standing("a", null, [], ["a", "b"]), { canary: "b" }],
  ["bake", standing("b", "a", [], ["a", "b"]), { stable: "b", canary: null, previous: "a" }],
  ["killed in promote", standing("b", "a", ["b"], ["a", "b"]), { canary: null, spent: ["b-canary"] }],
  ["previous is gone", standing("b", "a", [], ["b"]), { previous: null, canary: null }],
  [
    "back to the one before, with care",
    standing("b", "a", ["a"], ["a", "b"]),
    { canary: "a", previous: null },
  ],
  ["two left behind", standing("a", null, ["b"], ["a", "b", "c"]), { canary: "b", others: ["c"] }],
])("%s", (_, given, expected) => {
  expect(see(given)).toMatchObject(expected);
});

const ids = constantFrom("a", "b", "c", "d");

test("every revision with servers is exactly one thing, and stable is never to be taken away", () => {
  const world = record({
    stable: option(ids),
    previous: option(ids),
    jobs: uniqueArray(ids),
    sets: uniqueArray(ids),
  });
  assert(
    property(world, ({ stable, previous, jobs, sets }) => {
      const seen = see(standing(stable, previous, jobs, sets));
      const named = [seen.stable, seen.canary, seen.previous, ...seen.others].filter((id) => id !== null);
      expect(new Set(named).size).toBe(named.length);
      for (const id of [...jobs, ...sets]) expect(named).toContain(id);
      expect(seen.others).not.toContain(stable);
      expect(seen.stable).toBe(stable);
    }),
  );
});

test("objects on their way out count no more", () => {
  const leaving = object("Job", "b-canary");
  leaving.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  expect(see({ ...standing("a", null, [], ["a"]), jobs: [leaving] }).canary).toBeNull();
});

test("a promotion that is repeated does not forget the one before", () => {
  const once = withStable(stableService("a", null), "fraud", "b");
  expect(once && previousOf(once)).toBe("a");
  expect(once && withStable(once, "fraud", "b")).toBeNull();
});

test("what the API server adds or spells its own way is no change, what a person does is", () => {
  const wanted = {
    containers: [{ name: "server", image: "one", resources: { limits: { cpu: "1000m", memory: "0.5Gi" } } }],
  };
  const live = {
    dnsPolicy: "ClusterFirst",
    containers: [
      { name: "sidecar", image: "injected" },
      { name: "server", image: "one", resources: { limits: { cpu: "1", memory: "512Mi" } }, tty: false },
    ],
  };
  expect(driftOf(wanted, live)).toEqual([]);
  const edited = structuredClone(live);
  Object.assign(edited.containers[1] ?? {}, { image: "two" });
  expect(driftOf(wanted, edited)).toEqual(["containers[server].image"]);
  expect(driftOf(wanted, { containers: [] })).toContain("containers[server].image");
});
