// What the machine makes of others who change what serves, and of a canary whose servers are moved.
import { expect, test } from "vitest";
import { judge } from "../../../src/rollout/judge.ts";
import { next } from "../../../src/rollout/machine.ts";
import type { Measurement } from "../../../src/rollout/ports.ts";
import { readRollout, type Phase, type Rollout } from "../../../src/rollout/record.ts";
import { fresh, old, World } from "./world.ts";

const failure = {
  code: "rollout.moved",
  what: "Service fraud was changed by helm meanwhile",
  why: null,
  fix: null,
  exit: "attention",
} as const;

function at(phase: Phase): Rollout {
  const world = new World();
  world.serves(old);
  const begun = world.begin(fresh, "m", { steps: [5, 50], holdMs: 8000, bakeMs: 3000 });
  const share = phase === "bake" ? 0 : 0.05;
  return { ...begun, phase, share, started: true, step: 0, action: { do: "measure" }, stepAt: 0, bakeAt: 0 };
}

test.each(["verify", "observe", "hold", "expand", "bake"] as const)("in %s it ends the rollout", (phase) => {
  const { rollout, action } = next(at(phase), { type: "failed", failure, at: 1000 });
  expect(rollout).toMatchObject({ phase: "abort", outcome: "failed", why: failure });
  expect(action).toEqual({ do: phase === "bake" ? "read" : "fallback" });
});

test("it is over when what was started is gone, whoever serves then, and the first reason stays", () => {
  const aborted = next(at("observe"), { type: "failed", failure, at: 1000 }).rollout;
  const taken: Rollout = { ...aborted, retired: true, share: 0, action: { do: "read" } };
  const observed = { stable: null, canary: null, previous: null, share: 0, endpoint: null };
  const { rollout } = next(taken, { type: "read", observed, at: 2000 });
  expect(rollout).toMatchObject({ phase: "close", outcome: "failed", why: failure });
});

test("no room for the full set ends it with the cluster's words", () => {
  const words = {
    ...failure,
    code: "rollout.no-servers",
    why: "exceeded quota",
    exit: "unavailable" as const,
  };
  const { rollout } = next(
    { ...at("expand"), action: { do: "whole" } },
    { type: "failed", failure: words, at: 1000 },
  );
  expect(rollout).toMatchObject({ phase: "abort", outcome: "failed", why: words });
});

test("a canary without servers is blamed, unless others took them", () => {
  const last: Measurement = {
    at: 0,
    era: "e",
    share: 0.05,
    stable: { requests: 100, errors: 0 },
    canary: { requests: 5, errors: 0 },
    rescued: 0,
    failed: 0,
    ready: { stable: 1, canary: 0 },
    trouble: null,
    served: null,
  };
  const rollout = at("observe");
  const seen = (moving: boolean): Rollout => ({
    ...rollout,
    evidence: { ...rollout.evidence, unready: { stable: 0, canary: 2 }, last: { ...last, moving } },
  });
  expect(judge(seen(false), 1000)).toMatchObject({ is: "abort", why: { code: "rollout.canary-down" } });
  expect(judge(seen(true), 1000)).toEqual({ is: "hold", cause: "canary-moving" });
  expect(readRollout(JSON.parse(JSON.stringify(seen(true)))).evidence.last?.moving).toBe(true);
});
