// Properties of the state machine under any order of events, lies of the target included.
import { deepEqual, equal, ok } from "node:assert/strict";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event, Happening } from "../../../src/rollout/event.ts";
import { next } from "../../../src/rollout/machine.ts";
import type { Observed, Revision } from "../../../src/rollout/ports.ts";
import { phases, readRollout } from "../../../src/rollout/record.ts";
import type { Action, Phase, Rollout } from "../../../src/rollout/record.ts";
import { fresh, old, World } from "./world.ts";

const failure = { code: "x", what: "503", why: null, fix: null, exit: "unavailable" } as const;

/** What the world does next, as dice: each number decides one event. */
interface Dice {
  kind: number;
  errors: number;
  stableErrors: number;
  requests: number;
  share: number;
  ready: number;
  ms: number;
}

const dice: fc.Arbitrary<Dice> = fc.record({
  kind: fc.integer({ min: 0, max: 99 }),
  errors: fc.integer({ min: 0, max: 100 }),
  stableErrors: fc.integer({ min: 0, max: 100 }),
  requests: fc.integer({ min: 0, max: 2000 }),
  share: fc.integer({ min: 0, max: 9 }),
  ready: fc.integer({ min: 0, max: 9 }),
  ms: fc.integer({ min: 0, max: 4000 }),
});

/** A target that mostly does what the actions say, and what a driver would report of it. */
class Model {
  rollout: Rollout;
  stable: Revision | null;
  canary: Revision | null = null;
  previous: Revision | null = null;
  share = 0;
  at = 0;
  readonly visited = new Set<Phase>();
  readonly #sums = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

  constructor(isFirst: boolean, steps: number[]) {
    const world = new World();
    if (!isFirst) world.serves(old);
    this.stable = isFirst ? null : old;
    this.rollout = world.begin(fresh, "m", { steps, holdMs: 8000, bakeMs: 3000 });
  }

  /** Lets one thing happen. */
  step(die: Dice): void {
    this.take(this.#happening(die), die.ms);
  }

  take(happening: Happening, ms = 1000): void {
    this.at += ms;
    const before = this.rollout;
    const event: Event = { ...happening, at: this.at };
    const { rollout, action } = next(before, event);
    // Another process that reads the record goes on in the same way.
    const stored: unknown = JSON.parse(JSON.stringify(before));
    const again = next(before.phase === rollout.phase ? (stored as Rollout) : readRollout(stored), event);
    equal(JSON.stringify(again), JSON.stringify({ rollout, action }));
    equal(action, rollout.action);
    if (before.outcome !== null && rollout.action !== before.action) {
      ok(
        !["promote", "start", "golden", "expand", "whole"].includes(rollout.action?.do ?? "none"),
        "forward after a breach",
      );
    }
    this.rollout = rollout;
    this.visited.add(rollout.phase);
    this.check();
  }

  check(): void {
    const { plan, step, share, outcome } = this.rollout;
    ok(this.share <= (plan.steps[step] ?? 0), "share above the step");
    ok(share <= (plan.steps[step] ?? 0), "recorded share above the step");
    ok(outcome === null || share === 0, "share after the outcome");
    ok(this.rollout.from === null || this.stable !== null, "stable lost");
    ok(this.rollout.log.length <= 200, "the log grows");
  }

  /** What the last action came to; with `isHonest` it always works. */
  #happening(die: Dice, isHonest = false): Happening {
    const { action } = this.rollout;
    const isLie = !isHonest && die.kind < 10;
    // A failure before its effect, or after it.
    if (!(isLie && die.kind < 5)) this.#effect(action);
    if (!isHonest && die.kind === 10) return { type: "wish", wish: "promote" };
    if (!isHonest && die.kind === 11) return { type: "wish", wish: "abort" };
    if (!isHonest && die.kind === 12) return { type: "interrupted" };
    if (!isHonest && die.kind === 13) return { type: "recovered", observed: this.#observed() };
    if (action?.do === "lock") return { type: "locked" };
    if (action?.do === "measure") return isLie ? { type: "unmeasured", why: "503" } : this.#measure(die);
    if (isLie) return { type: "failed", failure };
    if (action?.do === "read") return { type: "read", observed: this.#observed() };
    if (action?.do === "whole") return { type: "whole", isWhole: isHonest || die.kind < 60 };
    if (action?.do !== "golden") return { type: "acted" };
    return { type: "golden", result: { rows: 20, flips: die.kind > 95 ? 1 : 0, maxDelta: 0 } };
  }

  #effect(action: Action | null): void {
    const { from, to } = this.rollout;
    if (action?.do === "start") this.canary ??= to;
    if (action?.do === "expand") this.canary ??= to;
    if (action?.do === "set" && this.canary !== null) this.#setShare(action.share);
    if (action?.do === "fallback") this.share = 0;
    if (action?.do === "promote" || action?.do === "revert") {
      const goal = action.do === "promote" ? to : from;
      if (goal === null || this.stable?.id === goal.id) return;
      this.previous = this.stable;
      this.stable = goal;
      this.canary = null;
      this.share = 0;
    }
    const leaving = action?.do === "retire" ? (action.which === "to" ? to : from) : null;
    if (leaving === null) return;
    ok(this.stable?.id !== leaving.id, "stable retired");
    if (this.canary?.id === leaving.id) {
      ok(this.share === 0, "a canary with traffic retired");
      this.canary = null;
    }
    if (this.previous?.id === leaving.id) this.previous = null;
  }

  #setShare(share: number): void {
    ok(this.rollout.outcome === null, "share set after the outcome");
    this.share = share;
  }

  #measure(die: Dice): Happening {
    const canary = Math.round(die.requests * this.share);
    const stable = die.requests - canary;
    const isBad = die.errors > 90;
    this.#sums.canary.requests += canary;
    this.#sums.canary.errors += isBad ? Math.ceil(canary / 2) : 0;
    this.#sums.stable.requests += stable;
    this.#sums.stable.errors += die.stableErrors > 95 ? Math.ceil(stable / 2) : 0;
    // Now and then the lease has run out.
    if (die.share === 0) this.share = 0;
    const ready = { stable: die.ready === 0 ? 0 : 1, canary: die.ready === 1 ? 0 : 1 };
    const sums = structuredClone(this.#sums);
    const era = die.kind > 97 ? "2" : "1";
    const counters = {
      at: this.at,
      era,
      share: this.share,
      ...sums,
      rescued: 0,
      failed: 0,
      ready,
      trouble: null,
      served: null,
    };
    return { type: "measured", measurement: counters };
  }

  #observed(): Observed {
    const { stable, canary, previous, share } = this;
    return { stable, canary, previous, share, endpoint: null };
  }

  /** Honest events until all is done. */
  finish(): void {
    const calm = { kind: 50, errors: 0, stableErrors: 0, requests: 1000, share: 5, ready: 5, ms: 1000 };
    for (let left = 400; this.rollout.phase !== "done"; left -= 1) {
      ok(left > 0, `stuck in ${this.rollout.phase}`);
      // A person has looked; the next command takes it up.
      if (this.rollout.action?.do === "give-up") this.take({ type: "recovered", observed: this.#observed() });
      else this.take(this.#happening(calm, true));
    }
  }

  expectEnded(): void {
    const { outcome, from, to } = this.rollout;
    equal(this.rollout.action, null);
    deepEqual([this.canary, this.share], [null, 0]);
    deepEqual(this.stable, outcome === "promoted" ? to : from);
    equal(this.rollout.why === null, outcome === "promoted");
    ok(this.rollout.verdict !== null);
  }
}

const script = fc.array(dice, { maxLength: 80 });
const steps = fc.constantFrom<number[]>([5, 25, 50], [25], [100], [1, 2, 50, 90]);

describe("next", () => {
  test(
    "whatever happens: never above the step, never up after a breach, one stable at the end",
    { timeout: 60_000 },
    () => {
      const visited = new Set<Phase>();
      const ended = new Set<string>();
      fc.assert(
        fc.property(script, steps, fc.boolean(), (all, plan, isFirst) => {
          const model = new Model(isFirst, plan);
          for (const die of all) model.step(die);
          model.finish();
          model.expectEnded();
          for (const phase of model.visited) visited.add(phase);
          ended.add(`${model.rollout.outcome}`);
        }),
        { numRuns: 200, seed: 7 },
      );
      // The property is worth something only if it has been everywhere.
      expect([...visited].sort()).toEqual([...phases].sort());
      expect([...ended].sort()).toEqual(["failed", "inconclusive", "interrupted", "promoted", "rolled-back"]);
    },
  );

  test("abort is legal everywhere and leads back", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(script, steps, (all, plan) => {
        const model = new Model(false, plan);
        for (const die of all) model.step({ ...die, kind: Math.max(die.kind, 14) });
        const isOver = model.rollout.phase === "close" || model.rollout.phase === "done";
        model.take({ type: "wish", wish: "abort" });
        const { outcome } = model.rollout;
        expect(outcome).not.toBeNull();
        model.finish();
        model.expectEnded();
        expect(model.rollout.outcome).toBe(outcome);
        expect(isOver || model.stable === old).toBe(true);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  test("a lost lock stops the driver and leaves the record as it is", () => {
    const { rollout } = new Model(false, [5]);
    expect(next(rollout, { type: "lock-lost", at: 1 })).toEqual({ rollout, action: { do: "stop" } });
  });

  test("a finished rollout does not move", () => {
    const model = new Model(false, [25]);
    model.finish();
    const { rollout } = model;
    for (const wish of ["abort", "promote"] as const) {
      expect(next(rollout, { type: "wish", wish, at: 1e6 }).rollout).toEqual(rollout);
    }
    expect(rollout.outcome).toBe("promoted");
  });

  test("the log keeps both ends and shows the gap", () => {
    let { rollout } = new Model(false, [5]);
    ({ rollout } = next(rollout, { type: "locked", at: 0 }));
    for (let round = 0; round < 300; round += 1) {
      ({ rollout } = next(rollout, { type: "wish", wish: "promote", at: round }));
    }
    expect(rollout.log).toHaveLength(200);
    expect(rollout.log[0]?.seq).toBe(0);
    expect(rollout.log.at(-1)?.seq).toBe(299);
  });
});
