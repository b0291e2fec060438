// A driver that dies at any call, before or after its effect: the next command finishes or undoes.
import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { drive, reconcile } from "../../../src/rollout/engine.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import type { Revision } from "../../../src/rollout/ports.ts";
import { isFinished, readRollout } from "../../../src/rollout/record.ts";
import { fresh, Killed, old, World } from "./world.ts";

interface Story {
  name: string;
  make: () => World;
  changed: Partial<RolloutValues>;
  /** What serves when all is done. */
  ends: Revision | null;
}

const quick = { intervalMs: 1000, bakeMs: 2000, steps: [25, 50] };
const stories: Story[] = [
  { name: "an upgrade", make: () => new World().serves(old), changed: quick, ends: fresh },
  { name: "a first release", make: () => new World(), changed: quick, ends: fresh },
  {
    name: "a straight promotion",
    make: () => new World().serves(old),
    changed: { ...quick, steps: [100] },
    ends: fresh,
  },
  {
    name: "a canary that fails",
    make: () => new World().serves(old).behaves(fresh, { errorRate: () => 0.5 }),
    changed: quick,
    ends: old,
  },
  {
    name: "a promoted revision that fails",
    make() {
      const world = new World().serves(old);
      return world.behaves(fresh, { errorRate: () => (world.stable?.id === fresh.id ? 0.5 : 0) });
    },
    changed: { ...quick, bakeMs: 10_000 },
    ends: old,
  },
  {
    name: "a canary that never gets ready",
    make: () => new World().behaves(fresh, { ready: () => false }),
    changed: quick,
    ends: null,
  },
];

async function deploy(world: World, id: string, changed: Partial<RolloutValues>) {
  const rollout = world.begin(fresh, id, changed);
  return await drive({ ...world.driving(), rollout, golden: world.golden(fresh) });
}

function expectClean(world: World, at: string): void {
  deepEqual(world.broken, [], at);
  deepEqual([world.canary, world.previous, world.share], [null, null, 0], at);
  deepEqual([...world.full], world.stable === null ? [] : [world.stable.id], at);
  equal(world.isHolderAlive, false, at);
}

/** Every rollout that was begun is finished and has one line in the ledger. */
function expectRecorded(world: World, at: string): void {
  if (world.record === null) return;
  ok(isFinished(readRollout(world.record)), at);
  equal(world.ledgerEntries.length, 1, at);
}

/** Runs until the process is killed; null when it was. */
async function untilKilled<T>(work: Promise<T>): Promise<T | null> {
  return await work.catch((error: unknown) => {
    if (error instanceof Killed) return null;
    throw error;
  });
}

/** A deploy that dies, what the next command makes of it, and a deploy after that. */
async function dieAndRecover(story: Story, call: number, when: "before" | "after"): Promise<void> {
  const { make, changed, ends } = story;
  const world = make();
  world.killAt = { call, when };
  const first = await untilKilled(deploy(world, "r1", changed));
  const at = `killed ${when} call ${call} (${world.calls[call]})`;
  const served = world.stable;
  world.revive();
  const { said } = await reconcile(world.driving());
  expectClean(world, at);
  expectRecorded(world, at);
  ok(served === null || world.stable !== null, at);
  ok(said.length === 0 || /^(Finished|Took)/.test(said.at(-1) ?? ""), at);
  deepEqual(await reconcile(world.driving()), { said: [], rollout: null }, at);
  if (first === null && world.stable?.id !== fresh.id) await deploy(world, "r2", changed);
  // A promotion in force is finished although its watch had not ended; only a watch takes it back.
  const wasFinished = said.some((sentence) => sentence.startsWith("Finished"));
  deepEqual(world.stable, wasFinished ? fresh : ends, at);
  expectClean(world, at);
}

async function dieTwice({ make, changed }: Story, call: number, second: number): Promise<void> {
  const at = `killed after call ${call}, then after call ${second} of the cleaning`;
  const world = make();
  world.killAt = { call, when: "after" };
  await untilKilled(deploy(world, "r1", changed));
  world.revive();
  world.killAt = { call: world.calls.length + second, when: "after" };
  await untilKilled(reconcile(world.driving()));
  world.revive();
  await reconcile(world.driving());
  expectClean(world, at);
  expectRecorded(world, at);
}

describe.each(stories)("$name", (story) => {
  test("survives a kill before and after every call, and a second one", { timeout: 60_000 }, async () => {
    const whole = story.make();
    await deploy(whole, "whole", story.changed);
    expect(whole.stable).toEqual(story.ends);
    expectClean(whole, "whole");
    for (let call = 0; call < whole.calls.length; call += 1) {
      await dieAndRecover(story, call, "before");
      await dieAndRecover(story, call, "after");
    }
    for (let call = 3; call < whole.calls.length; call += 9) {
      for (let second = 1; second < 14; second += 2) await dieTwice(story, call, second);
    }
  });
});

describe("reconcile", () => {
  test("says what it found and did", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      if (name === "measured" && world.share === 0.25) world.isDead = true;
    };
    await deploy(world, "r1", {}).catch(() => null);
    world.onCall = () => {};
    world.revive();
    const { said, rollout } = await reconcile(world.driving());
    expect(rollout?.outcome).toBe("interrupted");
    expect(said).toEqual([
      "Found the rollout of 1.1.0 by ada@here (mlship deploy) left in phase verify; 1.0.0 serves, 1.1.0 runs as a canary with 0 % of requests.",
      "Took it back: 1.0.0 serves everything; recorded as interrupted.",
    ]);
  });

  test("stops a canary that no rollout speaks of", async () => {
    const world = new World().serves(old);
    world.canary = fresh;
    const { said } = await reconcile(world.driving());
    expect(said).toEqual([
      "Found 1.1.0 running with 0 % of requests and no rollout that speaks of it; stopped it.",
    ]);
    expectClean(world, "orphan");
  });

  test("leaves a rollout alone whose driver lives", async () => {
    const world = new World().serves(old);
    world.canary = fresh;
    world.isHolderAlive = true;
    await expect(reconcile(world.driving())).rejects.toMatchObject({ code: "rollout.locked" });
    expect(world.canary).toEqual(fresh);
  });

  test("another deploy does not begin over an unfinished one", async () => {
    const world = new World().serves(old);
    world.killAt = { call: 12, when: "after" };
    await deploy(world, "r1", {}).catch(() => null);
    world.revive();
    world.canary = null;
    await expect(deploy(world, "r2", {})).rejects.toMatchObject({ code: "rollout.unfinished" });
  });

  test("a driver can also take a rollout up where it was left", async () => {
    const world = new World().serves(old);
    world.killAt = { call: 30, when: "after" };
    await deploy(world, "r1", {}).catch(() => null);
    world.revive();
    const left = readRollout(world.record);
    const rollout = await drive({ ...world.driving(), rollout: left, golden: world.golden(fresh) });
    expect(rollout.outcome).toBe("promoted");
    expect(rollout.holder.epoch).toBe(2);
    expectClean(world, "resumed");
  });
});
