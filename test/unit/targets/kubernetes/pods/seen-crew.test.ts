// Servers that were taken away against servers that failed.
import { expect, test } from "vitest";
import { SeenCrew } from "../../../../../src/targets/kubernetes/pods/seen-crew.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";

interface Shape {
  ready?: boolean;
  leaves?: boolean;
  phase?: string;
  restarts?: number;
}

function pod(name: string, { ready = false, leaves = false, phase = "Running", restarts = 0 }: Shape = {}) {
  const object: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, uid: name, ...(leaves && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [{ name: "server", restartCount: restarts }],
    },
  };
  return object;
}

const cases: [name: string, then: KubeObject[], isMoving: boolean][] = [
  ["it leaves and another comes", [pod("a", { leaves: true }), pod("b")], true],
  ["it is gone and another comes", [pod("b", { phase: "Pending" })], true],
  ["it serves", [pod("a", { ready: true })], false],
  ["another serves already", [pod("a", { leaves: true }), pod("b", { ready: true })], false],
  ["it only is not ready any more", [pod("a")], false],
  ["it failed and another comes", [pod("a", { phase: "Failed" }), pod("b")], false],
  ["what came crashed", [pod("b", { restarts: 1 })], false],
  ["nothing comes yet", [], true],
];

test.each(cases)("%s", (_name, then, isMoving) => {
  const crew = new SeenCrew();
  expect(crew.isMoving([pod("a", { ready: true })])).toBe(false);
  expect(crew.isMoving(then)).toBe(isMoving);
});

test("pods that never served are no moved ones", () => {
  expect(new SeenCrew().isMoving([pod("a")])).toBe(false);
});

test("one that leaves before the first look was taken away, also when it is gone at the next", () => {
  const crew = new SeenCrew();
  expect(crew.isMoving([pod("a", { leaves: true }), pod("b")])).toBe(true);
  expect(crew.isMoving([pod("b")])).toBe(true);
  expect(crew.isMoving([pod("b", { ready: true })])).toBe(false);
});
