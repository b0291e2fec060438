// Plans, revisions and rollbacks: what is decided before anything is done.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { planRollback, planRollout, refuseImpossible, wayOf } from "../../../src/rollout/plan.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import { readRollout } from "../../../src/rollout/record.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";
import { fresh, old, values, World } from "./world.ts";

function problemsOf(changed: Partial<RolloutValues>): string[] {
  try {
    planRollout({ ...values, ...changed }, fresh, old);
  } catch (error) {
    if (!(error instanceof MlshipError) || error.code !== "rollout.plan") throw error;
    return error.problems.map((problem) => problem.what);
  }
  return [];
}

describe("planRollout", () => {
  test("says in words what will be done", () => {
    const plan = planRollout(values, fresh, old);
    expect(plan.kind).toBe("canary");
    expect(plan.plan.steps).toEqual([0.05, 0.25, 0.5]);
    expect(plan.steps).toEqual([
      "start 1.1.0 without traffic",
      "replay the golden rows through it and compare every answer",
      "send it 5 % of requests for at least 3 s, until about 74 of them succeeded",
      "send it 25 % of requests for at least 3 s, until about 149 of them succeeded",
      "send it 50 % of requests for at least 3 s, until about 299 of them succeeded",
      "start all servers of 1.1.0 without traffic",
      "replay the golden rows through it and compare every answer",
      "let 1.1.0 serve in place of 1.0.0",
      "keep 1.0.0 warm for 3 s and watch",
      "stop 1.0.0",
    ]);
    expect(planRollout(values, fresh, old).digest).toBe(plan.digest);
  });

  test("knows a first release, a straight promotion and nothing to do", () => {
    expect(planRollout(values, fresh, null)).toMatchObject({ kind: "first", plan: { steps: [] } });
    expect(planRollout({ ...values, steps: [100] }, fresh, old)).toMatchObject({ kind: "direct" });
    expect(planRollout({ ...values, steps: [5, 100] }, fresh, old).plan.steps).toEqual([0.05]);
    expect(planRollout(values, old, old)).toMatchObject({
      kind: "none",
      steps: ["nothing: 1.0.0 serves already"],
    });
  });

  test("refuses steps that cannot be, all at once", () => {
    expect(problemsOf({ steps: [] })).toEqual(["there is no step"]);
    expect(problemsOf({ steps: [25, 5, 101, 0] })).toEqual([
      "step 5 does not rise above 25",
      "step 101 is not a share in percent",
      "step 0 is not a share in percent",
      "step 0 does not rise above 101",
    ]);
    expect(problemsOf({ steps: [Number.NaN] })).toHaveLength(1);
    expect(problemsOf({ maxHarm: 0, holdMs: -1 })).toHaveLength(2);
  });

  test("refuses a plan whose evidence cannot come in time", () => {
    expect(problemsOf({ requestsPerSecond: 0 })).toHaveLength(3);
    expect(problemsOf({ steps: [1], requestsPerSecond: 10, intervalMs: 60_000, holdMs: 60_000 })).toEqual([
      "the step at 1 % needs 299 canary requests to be judged, and 12 are to be expected in its time",
    ]);
    expect(problemsOf({ requestsPerSecond: 100 })).toEqual([]);
    expect(problemsOf({ steps: [100], requestsPerSecond: 0 })).toEqual([]);
  });
});

describe("a plan for a split", () => {
  test("is refused for shares that it cannot give, with those that it can", () => {
    const three = [1 / 4, 2 / 5, 3 / 6, 4 / 7];
    expect(problemsOf({ reachable: three })).toEqual([
      "5 % of requests cannot be sent to the canary with what serves now",
    ]);
    expect(problemsOf({ reachable: three, steps: [25, 40, 57] })).toEqual([]);
    expect(problemsOf({ reachable: three, strategy: "blue-green" })).toEqual([]);
    expect(problemsOf({ reachable: [] })).toHaveLength(3);
  });

  test("asks for nothing where nothing is tried out", () => {
    const hopeless = { ...values, reachable: [], requestsPerSecond: 0 };
    expect(refuseImpossible(hopeless, "first").steps).toEqual([]);
    expect(refuseImpossible(hopeless, wayOf({ ...hopeless, steps: [100] }, old)).steps).toEqual([]);
    expect(() => refuseImpossible(hopeless, wayOf(hopeless, old))).toThrow("cannot work");
  });

  test("asks for limits that mean something", () => {
    expect(problemsOf({ maxSlowdown: 1, maxShift: 0 })).toHaveLength(2);
  });
});

describe("revisionOf", () => {
  test("is made of name, version and release", () => {
    expect(revisionOf("fraud", "1.4.0", `sha256:3f2a9c1d${"0".repeat(56)}`).id).toBe("fraud-1-4-0-3f2a9c1d");
  });

  test("is always a DNS label, and different for what is different", () => {
    const ids = new Map<string, string>();
    const text = fc.string({ minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(text, text, (name, version) => {
        const { id } = revisionOf(name, version, `sha256:${"c".repeat(64)}`);
        expect(id).toMatch(/^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$/);
        expect(ids.get(id) ?? `${name}-${version}`).toBe(`${name}-${version}`);
        ids.set(id, `${name}-${version}`);
      }),
    );
    const long = "a".repeat(63);
    const digest = `sha256:${"c".repeat(64)}` as const;
    expect(revisionOf(long, "1.0.0", digest).id).not.toBe(revisionOf(long, "1.0.1", digest).id);
  });
});

describe("planRollback", () => {
  test("is planned without a canary and without a watch", () => {
    const plan = planRollback(values, old, fresh);
    expect(plan).toMatchObject({ kind: "direct", plan: { steps: [], bakeMs: 0 } });
    expect(plan.steps.slice(2)).toEqual(["let 1.0.0 serve in place of 1.1.0", "stop 1.1.0"]);
  });
});

describe("the record", () => {
  test("reads back as it was written, and refuses what it does not know", () => {
    const rollout = new World().serves(old).begin(fresh, "r1");
    expect(readRollout(JSON.parse(JSON.stringify(rollout)))).toEqual(rollout);
    for (const wrong of [null, {}, { ...rollout, schema: "mlship.rollout/v9" }, { ...rollout, share: 2 }]) {
      expect(() => readRollout(wrong)).toThrow(MlshipError);
    }
  });

  test("an older record of this shape is still read: what it does not say is not known", () => {
    const rollout = JSON.parse(JSON.stringify(new World().serves(old).begin(fresh, "r1")));
    const last = {
      at: 5,
      era: "1",
      share: 0.05,
      stable: { requests: 9, errors: 0 },
      canary: { requests: 1, errors: 0 },
      rescued: 0,
      failed: 0,
      ready: { stable: 1, canary: 1 },
    };
    const before = structuredClone(rollout);
    before.evidence.last = last;
    for (const [part, keys] of [
      [before, ["expandAt"]],
      [before.plan, ["maxSlowdown", "maxShift"]],
      [before.evidence, ["slow", "shift"]],
    ] as const) {
      for (const key of keys) delete part[key];
    }
    expect(readRollout(before)).toEqual({
      ...rollout,
      evidence: { ...rollout.evidence, last: { ...last, trouble: null, served: null } },
    });
  });

  test("carries what servers counted, its infinite bound too", () => {
    const seconds = [
      { bound: 0.01, count: 1 },
      { bound: Number.POSITIVE_INFINITY, count: 2 },
    ];
    const served = { seconds, said: { yes: 2 } };
    const world = new World().serves(old);
    const rollout = world.begin(fresh, "r1");
    rollout.evidence.last = {
      at: 5,
      era: "1",
      share: 0,
      stable: { requests: 2, errors: 0 },
      canary: { requests: 2, errors: 0 },
      rescued: 0,
      failed: 0,
      ready: { stable: 1, canary: 1 },
      trouble: null,
      served: { stable: served, canary: served },
    };
    expect(readRollout(JSON.parse(JSON.stringify(rollout)))).toEqual(rollout);
  });
});
