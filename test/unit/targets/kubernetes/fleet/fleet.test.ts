// The fuse's arithmetic, and how many pods try a revision out.
import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { canaryPods } from "../../../../../src/targets/kubernetes/fleet/blueprint.ts";
import { deadlineOf, endOf, fuseSeconds } from "../../../../../src/targets/kubernetes/fleet/canary-fuse.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";
import { served } from "../../../cluster/example.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

function job(activeDeadlineSeconds: number, conditions: object[] = []): KubeObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "fraud-canary" },
    spec: { activeDeadlineSeconds },
    status: { startTime: "2026-01-01T00:00:00Z", conditions },
  };
}

test("after a renewal the canary has 27 to 30 s, whenever it comes", () => {
  const seconds = integer({ min: 0, max: 1_000_000 });
  assert(
    property(seconds, seconds, (elapsed, before) => {
      const deadline = deadlineOf(job(before), start + elapsed * 1000) ?? before;
      expect(deadline - elapsed).toBeGreaterThanOrEqual(fuseSeconds - 3);
      expect(deadline).toBeGreaterThanOrEqual(before);
      if (before < elapsed) expect(deadline - elapsed).toBe(fuseSeconds);
    }),
  );
});

test("an end is told with Kubernetes' reason", () => {
  expect(endOf(job(30))).toBeNull();
  expect(endOf(job(30, [{ type: "Suspended", status: "True" }]))).toBeNull();
  expect(endOf(job(30, [{ type: "Failed", status: "True", reason: "DeadlineExceeded" }]))).toBe(
    "DeadlineExceeded",
  );
});

test.each([
  ["router", [5, 25, 50], 4, 2],
  ["router", [1], 3, 1],
  ["router", [5, 25, 50], 0, 1],
  ["replicas", [50], 3, 3],
  ["replicas", [25], 3, 1],
] as const)("%s with steps %j beside %i servers: %i pods", (split, steps, stable, pods) => {
  const deploy = { ...served.deploy, canary: { ...served.deploy.canary, split, steps: [...steps] } };
  expect(canaryPods({ deploy }, stable)).toBe(pods);
});
