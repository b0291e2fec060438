// A driver that dies at any call, before or after its effect: the next command finishes or undoes.
import { describe, expect, test } from "vitest";
import { drive, reconcile } from "../../../src/rollout/engine.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import type { Revision } from "../../../src/rollout/ports.ts";
import { isFinished as isOver, readRollout } from "../../../src/rollout/record.ts";
import { fresh, Killed, old, World } from "./world.ts";

interface Story {
  name: string;
  make: () => World;
  changed: Partial<RolloutValues>;
  /** What serves when all is done. */
  ends: Revision | null;
}

const quick = { intervalMs: 2000, bakeMs: 2000, steps: [25, 50] };
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
    changed: { ...quick, bakeMs: 20_000 },
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
  expect(world.broken, at).toEqual([]);
  expect([world.canary, world.previous, world.share], at).toEqual([null, null, 0]);
  expect(world.isHolderAlive, at).toBe(false);
  const ids = world.ledgerEntries.map((entry) => entry.rollout);
  expect(ids, at).toEqual([...new Set(ids)]);
}

describe.each(stories)("$name", ({ make, changed, ends }) => {
  test("survives a kill before and after every call", async () => {
    const whole = make();
    await deploy(whole, "whole", changed);
    expect(whole.stable).toEqual(ends);
    expectClean(whole, "whole");
    for (const when of ["before", "after"] as const) {
      for (let call = 0; call < whole.calls.length; call += 1) {
        const at = `killed ${when} call ${call} (${whole.calls[call]})`;
        const world = make();
        world.killAt = { call, when };
        // The last release can fail: then the rollout is done although the lock stays until it runs out.
        const first = await deploy(world, "r1", changed).catch((error: unknown) => {
          expect(error, at).toBeInstanceOf(Killed);
          return null;
        });
        const served = world.stable;
        world.revive();
        expect(world.share).toBe(0);
        if (served !== null) expect(world.stable, at).toEqual(served);
        const { said } = await reconcile(world.driving());
        expectClean(world, at);
        if (world.record !== null) {
          expect(isOver(readRollout(world.record)), at).toBe(true);
          expect(world.ledgerEntries, at).toHaveLength(1);
        }
        if (said.length > 0) expect(said.at(-1), at).toMatch(/^(Finished|Took)/);
        expect(await reconcile(world.driving()), at).toEqual({ said: [], rollout: null });
        if (first === null && world.stable?.id !== fresh.id) await deploy(world, "r2", changed);
        // A promotion in force is finished although its watch had not ended; only a watch takes it back.
        const isFinished = said.some((sentence) => sentence.startsWith("Finished"));
        expect(world.stable, at).toEqual(isFinished ? fresh : ends);
        expectClean(world, at);
      }
    }
  });

  test("a second kill while the first is cleaned up is cleaned up as well", async () => {
    const whole = make();
    await deploy(whole, "whole", changed);
    for (let call = 3; call < whole.calls.length; call += 7) {
      for (let second = 0; second < 14; second += 2) {
        const at = `killed after call ${call}, then after ${second} of the cleaning`;
        const world = make();
        world.killAt = { call, when: "after" };
        await deploy(world, "r1", changed).catch(() => null);
        world.revive();
        world.killAt = { call: world.calls.length + second, when: "after" };
        await reconcile(world.driving()).catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
        world.revive();
        await reconcile(world.driving());
        expectClean(world, at);
        if (world.record !== null) expect(world.ledgerEntries, at).toHaveLength(1);
      }
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
