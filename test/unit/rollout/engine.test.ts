// The engine on a target in memory: every way that a rollout can go.
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { drive, reconcile } from "../../../src/rollout/engine.ts";
import { errorOf } from "../../../src/rollout/outcome.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import { beginRollout, planRollback } from "../../../src/rollout/plan.ts";
import { fresh, old, values, World } from "./world.ts";

function run(world: World, changed: Partial<RolloutValues> = {}, signal?: AbortSignal) {
  const rollout = world.begin(fresh, "r1", changed);
  return drive({ ...world.driving(signal), rollout, golden: world.golden(fresh) });
}

function texts(world: World): string[] {
  return world.news.flatMap((news) => (news.type === "moved" ? [news.text] : []));
}

describe("drive", () => {
  test("promotes a good canary step by step", async () => {
    const world = new World().serves(old);
    const rollout = await run(world, { intervalMs: 5000 });
    expect(rollout.outcome).toBe("promoted");
    expect(errorOf(rollout)).toBeNull();
    expect([world.stable, world.canary, world.previous, world.share]).toEqual([fresh, null, null, 0]);
    expect(texts(world)).toEqual([
      "preflight",
      "start 1.1.0",
      "golden",
      "set 5 %",
      "pass at 5 %",
      "set 25 %",
      "pass at 25 %",
      "set 50 %",
      "pass at 50 %",
      "start all of 1.1.0",
      "golden",
      "promote 1.1.0",
      "1.1.0 serves",
      "retire 1.0.0",
      "ledger",
    ]);
    expect(world.ledgerEntries).toHaveLength(1);
    expect(rollout.verdict).toMatchObject({ canaryErrors: 0, failed: 0, rescued: 0 });
    expect(rollout.verdict?.canaryRequests).toBeGreaterThan(300);
    expect(world.broken).toEqual([]);
    expect(world.isHolderAlive).toBe(false);
  });

  test("the full set comes up under the canary's eyes and is proven before it serves", async () => {
    let begun = Number.POSITIVE_INFINITY;
    const world = new World().serves(old).behaves(fresh, { whole: (at) => at > begun + 6000 });
    world.onCall = (name) => {
      if (name === "expand") begun = Math.min(begun, world.clock.monotonic());
    };
    const rollout = await run(world);
    expect(rollout.outcome).toBe("promoted");
    const calls = world.calls.slice(world.calls.indexOf("expand"), world.calls.indexOf("promote"));
    expect(calls.filter((name) => name === "whole").length).toBeGreaterThan(4);
    expect(calls.filter((name) => name === "measured").length).toBeGreaterThan(4);
    expect(calls.filter((name) => name === "renew-share").length).toBeGreaterThan(4);
    expect(calls.lastIndexOf("predict")).toBeGreaterThan(calls.lastIndexOf("whole"));
    expect(world.broken).toEqual([]);
  });

  test("a canary that turns bad while the full set comes up is taken back", async () => {
    const world = new World().serves(old);
    world.behaves(fresh, {
      whole: () => false,
      errorRate: () => (world.full.has(fresh.id) ? 0.5 : 0),
    });
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.harmful", exit: "gate" });
    expect([world.stable, world.canary, world.share]).toEqual([old, null, 0]);
    expect([...world.full]).toEqual([old.id]);
    expect(world.calls).not.toContain("promote");
  });

  test("a full set that does not come up in time is taken back, as one that never will", async () => {
    for (const [behaviour, why] of [
      [{ whole: () => false }, "not all of its servers were ready after 10 s"],
      [{ ready: (at: number) => at < 13_000, whole: () => false }, null],
    ] as const) {
      const world = new World().serves(old).behaves(fresh, behaviour);
      const rollout = await run(world);
      expect(errorOf(rollout)).toMatchObject({ exit: "gate" });
      if (why !== null) expect(errorOf(rollout)).toMatchObject({ code: "rollout.not-ready", why });
      expect([world.stable, world.canary, [...world.full]]).toEqual([old, null, [old.id]]);
      expect(world.broken).toEqual([]);
    }
  });

  test("who cannot see the canary does not promote over it", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      if (name === "measured" && world.full.has(fresh.id)) throw new Error("connection refused");
    };
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.inconclusive", exit: "inconclusive" });
    expect([world.stable, world.canary]).toEqual([old, null]);
  });

  test("a full set that answers otherwise than its canary never serves", async () => {
    const world = new World().serves(old);
    const golden = world.golden(fresh);
    const compare = () => ({ rows: 20, flips: world.full.has(fresh.id) ? 3 : 0, maxDelta: 0 });
    const rollout = await drive({
      ...world.driving(),
      rollout: world.begin(fresh, "r1"),
      golden: { ...golden, compare },
    });
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.golden" });
    expect(world.calls).not.toContain("promote");
    expect([world.stable, world.canary, [...world.full]]).toEqual([old, null, [old.id]]);
  });

  test("blue-green is proven whole without traffic, switched once, and watched", async () => {
    const world = new World().serves(old);
    const rollout = await run(world, { strategy: "blue-green" });
    expect(rollout.outcome).toBe("promoted");
    expect(world.calls).not.toContain("set");
    expect(world.calls).not.toContain("start");
    expect(texts(world)).toEqual([
      "preflight",
      "start all of 1.1.0",
      "golden",
      "promote 1.1.0",
      "1.1.0 serves",
      "retire 1.0.0",
      "ledger",
    ]);
    expect(rollout.evidence.bake.counts.requests).toBeGreaterThan(0);
    const bad = new World().serves(old);
    bad.behaves(fresh, { errorRate: () => (bad.stable?.id === fresh.id ? 1 : 0) });
    const taken = await run(bad, { strategy: "blue-green", bakeMs: 60_000 });
    expect(errorOf(taken)).toMatchObject({ code: "rollout.bake" });
    expect([bad.stable, bad.canary, bad.previous]).toEqual([old, null, null]);
  });

  test("a canary in trouble is taken back by the scrape that shows it, with its last words", async () => {
    const world = new World().serves(old);
    let looks = 0;
    world.onCall = (name) => {
      if (name === "measured" && (looks += 1) === 3) world.trouble = "killed for memory: Out of memory";
    };
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({
      code: "rollout.canary-trouble",
      exit: "gate",
      why: "killed for memory: Out of memory",
    });
    const third = world.calls.flatMap((name, at) => (name === "measured" ? [at] : []))[2] ?? 0;
    expect(world.calls.slice(third + 1).find((name) => name !== "renew-share" && name !== "save")).toBe(
      "fallback",
    );
  });

  test("a canary that is too slow, or says the same always, is taken back with numbers", async () => {
    const bounds = [0.01, 0.015, 0.025, 0.05, Number.POSITIVE_INFINITY];
    const answers = (count: number, duration: number, said: Record<string, number>) => ({
      seconds: bounds.map((bound) => ({ bound, count: duration <= bound ? count : 0 })),
      said,
    });
    for (const [code, why, duration, said] of [
      [
        "rollout.slow",
        /requests took longer than 25 ms, on stable 0 of \d+ requests took longer than 15 ms$/,
        0.04,
        0.5,
      ],
      [
        "rollout.shifted",
        /^over the same minutes 4\d(\.\d+)? % of its answers are others, more than 30 %$/,
        0.012,
        1,
      ],
    ] as const) {
      const world = new World().serves(old);
      world.served = (at) => {
        const [stable, canary] = [Math.floor(at / 10), Math.floor(at / 200)];
        return {
          stable: answers(stable, 0.012, { yes: Math.floor(stable / 2), no: Math.ceil(stable / 2) }),
          canary: answers(canary, duration, {
            yes: Math.floor(canary * said),
            no: Math.ceil(canary * (1 - said)),
          }),
        };
      };
      const rollout = await run(world, { intervalMs: 60_000 });
      expect(errorOf(rollout)).toMatchObject({ code, exit: "gate", why: expect.stringMatching(why) });
      expect([world.stable, world.canary]).toEqual([old, null]);
      const { verdict } = rollout;
      expect(Math.max(verdict?.slowEValue ?? 0, verdict?.shiftEValue ?? 0)).toBeGreaterThan(4000);
    }
  });

  test("a laptop that slept renews its lock before it writes anything", async () => {
    const world = new World().serves(old);
    const now = world.clock.now.bind(world.clock);
    let slept = 0;
    // The monotonic clock stands still while the machine sleeps.
    world.clock.now = () => new Date(now().getTime() + slept);
    let at = Number.POSITIVE_INFINITY;
    world.onCall = (name, index) => {
      if (name !== "measured" || world.clock.monotonic() < 3000 || at < index) return;
      slept = 3_600_000;
      world.epoch += 1;
      at = index;
    };
    await expect(run(world)).rejects.toMatchObject({ code: "rollout.lock-lost" });
    expect(world.calls.slice(at + 1)).toEqual(["renew-lock"]);
  });

  test("a first release needs no canary, steps [100] none either", async () => {
    const first = new World();
    expect((await run(first)).outcome).toBe("promoted");
    expect(first.calls).not.toContain("set");
    const direct = new World().serves(old);
    expect((await run(direct, { steps: [100] })).outcome).toBe("promoted");
    expect(direct.calls).not.toContain("set");
    expect([direct.stable, direct.previous]).toEqual([fresh, null]);
  });

  test("takes a failing canary back within seconds, and says what it cost", async () => {
    const world = new World().serves(old).behaves(fresh, { errorRate: () => 0.3 });
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.harmful", exit: "gate" });
    expect([world.stable, world.canary, world.share]).toEqual([old, null, 0]);
    const { verdict } = rollout;
    expect(verdict?.rescued).toBe(verdict?.canaryErrors);
    expect(verdict?.failed).toBe(0);
    expect(verdict?.eValue).toBeGreaterThan(1000);
    expect(world.clock.monotonic()).toBeLessThan(8000);
    expect(world.broken).toEqual([]);
  });

  test("never sends a request to a canary that answers golden rows differently", async () => {
    const golden = { rows: 20, flips: 1, maxDelta: 0.4 };
    const world = new World().serves(old).behaves(fresh, { golden });
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.golden", exit: "gate" });
    expect(world.calls).not.toContain("set");
    expect(world.canary).toBeNull();
    expect(rollout.golden).toEqual(golden);
  });

  test("a canary that never gets ready is taken back with the target's own error", async () => {
    const world = new World().serves(old).behaves(fresh, { ready: () => false });
    expect(errorOf(await run(world))).toMatchObject({ code: "rollout.not-ready", exit: "gate" });
    expect([world.stable, world.canary]).toEqual([old, null]);
  });

  test("a canary that stops being ready is taken back", async () => {
    const world = new World().serves(old).behaves(fresh, { ready: (at) => at < 5000 });
    expect(errorOf(await run(world))).toMatchObject({ code: "rollout.canary-down" });
    expect(world.stable).toEqual(old);
  });

  test("an outage of both sides holds, and the rollout goes on after it", async () => {
    const outage = (at: number) => (at > 2000 && at < 9000 ? 0.8 : 0);
    const world = new World()
      .serves(old)
      .behaves(old, { errorRate: outage })
      .behaves(fresh, { errorRate: outage });
    const rollout = await run(world, { holdMs: 120_000 });
    expect(rollout.outcome).toBe("promoted");
    expect(texts(world)).toContain("hold: stable-errors");
  });

  test("an outage without end is inconclusive, not the canary's fault", async () => {
    const world = new World()
      .serves(old)
      .behaves(old, { errorRate: () => 0.5 })
      .behaves(fresh, { errorRate: () => 0.5 });
    const rollout = await run(world);
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.inconclusive", exit: "inconclusive" });
    expect([world.stable, world.canary]).toEqual([old, null]);
  });

  test("without traffic nothing is promoted", async () => {
    const world = new World().serves(old);
    world.rps = 0;
    const rollout = await run(world);
    expect(rollout.outcome).toBe("inconclusive");
    expect(errorOf(rollout)?.why).toContain("the canary answered 0 requests");
    expect(world.stable).toEqual(old);
  });

  test("lost metrics hold, the lease is not renewed by who cannot see, and the share is set again", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      const now = world.clock.monotonic();
      if (now < 2000 || now > 10_000) return;
      // The target's fuse: nobody renewed.
      if (now > 8000) world.share = 0;
      if (name === "measured") throw new Error("connection refused");
    };
    const rollout = await run(world, { holdMs: 60_000 });
    expect(rollout.outcome).toBe("promoted");
    expect(texts(world).filter((text) => text === "hold: metrics")).toHaveLength(1);
    expect(texts(world).filter((text) => text === "set 5 %")).toHaveLength(2);
    expect(world.broken).toEqual([]);
  });

  test("a share that ran out is set again although it could not be renewed", async () => {
    const world = new World().serves(old);
    let looks = 0;
    world.onCall = (name) => {
      if (name === "measured" && (looks += 1) === 4) world.share = 0;
      if (name === "renew-share" && looks < 8) throw new Error("not in force");
    };
    expect((await run(world, { intervalMs: 10_000 })).outcome).toBe("promoted");
    expect(texts(world).filter((text) => text === "set 5 %")).toHaveLength(2);
  });

  test("metrics that stay lost are inconclusive", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      if (name === "measured") throw new Error("connection refused");
    };
    expect((await run(world)).outcome).toBe("inconclusive");
    expect([world.stable, world.canary]).toEqual([old, null]);
  });

  test("a splitter that does not split is found out", async () => {
    const world = new World().serves(old);
    const { target } = world;
    const measured = target.traffic.measured.bind(target.traffic);
    target.traffic.measured = async () => {
      const seen = await measured();
      return { ...seen, canary: { requests: 0, errors: 0 } };
    };
    const rollout = await run(world);
    expect(rollout.outcome).toBe("inconclusive");
    expect(errorOf(rollout)?.why).toContain("5 % were set, 0 of");
  });

  test("a person moves a waiting canary on, step by step", async () => {
    const world = new World().serves(old);
    world.rps = 0;
    world.onCall = (name) => {
      if (name === "measured" && world.share > 0 && world.clock.monotonic() % 5000 === 0)
        world.wish = "promote";
    };
    const rollout = await run(world);
    expect(rollout.outcome).toBe("promoted");
    expect(texts(world).filter((text) => text === "a person asked to promote").length).toBeGreaterThan(2);
    expect(world.broken).toEqual([]);
  });

  test("a person's abort takes it back, also while it bakes", async () => {
    for (const when of [3000, 16_000]) {
      const world = new World().serves(old);
      let isAsked = false;
      world.onCall = (name) => {
        if (isAsked || name !== "measured" || world.clock.monotonic() < when) return;
        isAsked = true;
        world.wish = "abort";
      };
      const rollout = await run(world, { bakeMs: 60_000 });
      expect(errorOf(rollout)).toMatchObject({ code: "rollout.aborted", exit: "gate" });
      expect([world.stable, world.canary, world.previous]).toEqual([old, null, null]);
    }
  });

  test("a revision that fails only when it serves alone is taken back in BAKE", async () => {
    const world = new World().serves(old);
    world.behaves(fresh, { errorRate: () => (world.stable?.id === fresh.id ? 0.2 : 0) });
    const rollout = await run(world, { bakeMs: 30_000 });
    expect(errorOf(rollout)).toMatchObject({ code: "rollout.bake", exit: "gate" });
    expect([world.stable, world.canary, world.previous]).toEqual([old, null, null]);
    expect(world.ledgerEntries.map((entry) => entry.outcome)).toEqual(["rolled-back"]);
  });

  test("a restart of counters costs evidence, not the verdict", async () => {
    const world = new World().serves(old).behaves(fresh, { errorRate: () => 0.3 });
    let looks = 0;
    world.onCall = (name) => {
      if (name === "measured" && (looks += 1) === 3) world.newEra();
    };
    const rollout = await run(world);
    expect(errorOf(rollout)?.code).toBe("rollout.harmful");
    expect(rollout.evidence.dropped).toBe(1);
  });

  test("one failed call of every kind changes nothing in the end", async () => {
    const kinds = ["set", "promote", "retire", "observe", "ledger", "measured", "renew-share"];
    for (const kind of kinds) {
      const world = new World().serves(old);
      let isFaulty = true;
      world.onCall = (name) => {
        if (name !== kind || !isFaulty) return;
        isFaulty = false;
        throw new Error("503");
      };
      expect({ kind, outcome: (await run(world)).outcome }).toEqual({ kind, outcome: "promoted" });
      expect(world.broken).toEqual([]);
    }
  });

  test("a promotion that answers with an error although it was done is seen to be done", async () => {
    const world = new World().serves(old);
    const promote = world.target.fleet.promote.bind(world.target.fleet);
    world.target.fleet.promote = async (revision) => {
      await promote(revision);
      throw new Error("timeout");
    };
    expect((await run(world)).outcome).toBe("promoted");
  });

  test("a promotion that never takes effect is taken back", async () => {
    const world = new World().serves(old);
    world.target.fleet.promote = async () => {};
    expect(errorOf(await run(world))).toMatchObject({ code: "rollout.not-promoted" });
    expect([world.stable, world.canary]).toEqual([old, null]);
  });

  test("a target that cannot be cleaned up asks for a person, and the next command finishes", async () => {
    const world = new World().serves(old).behaves(fresh, { errorRate: () => 1 });
    let isBroken = true;
    world.onCall = (name) => {
      if (name === "retire" && isBroken) throw new Error("permission denied");
    };
    await expect(run(world)).rejects.toMatchObject({ code: "rollout.stuck", exit: "attention" });
    expect(world.share).toBe(0);
    isBroken = false;
    const { rollout, said } = await reconcile(world.driving());
    expect(rollout?.outcome).toBe("rolled-back");
    expect(said.at(-1)).toContain("1.0.0 serves everything");
    expect(world.canary).toBeNull();
  });

  test("a lost lock stops every write", async () => {
    const world = new World().serves(old);
    let lostAt = Number.POSITIVE_INFINITY;
    world.onCall = (name, index) => {
      if (name === "measured" && world.clock.monotonic() > 3000 && lostAt === Number.POSITIVE_INFINITY) {
        world.epoch += 1;
        world.clock.jump(60_000);
        lostAt = index;
      }
    };
    await expect(run(world)).rejects.toMatchObject({ code: "rollout.lock-lost", exit: "attention" });
    const after = world.calls.slice(lostAt + 1);
    expect(after.filter((name) => !["renew-share", "renew-lock"].includes(name))).toEqual([]);
    expect(world.broken).toEqual([]);
  });

  test("a lock that cannot be renewed for long is a lost lock", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      if (name === "renew-lock") throw new Error("no route");
    };
    await expect(run(world, { intervalMs: 60_000 })).rejects.toMatchObject({ code: "rollout.lock-lost" });
  });

  test("a second driver is refused", async () => {
    const world = new World().serves(old);
    world.isHolderAlive = true;
    await expect(run(world)).rejects.toMatchObject({ code: "rollout.locked", exit: "locked" });
    expect(world.record).toBeNull();
  });

  test("a plan made before the target changed is refused and nothing is started", async () => {
    const world = new World();
    const rollout = world.begin(fresh, "r1");
    world.serves(old);
    const ended = await drive({ ...world.driving(), rollout, golden: world.golden(fresh) });
    expect(errorOf(ended)).toMatchObject({ code: "rollout.moved", exit: "attention" });
    expect(world.calls).not.toContain("start");
  });

  test("a rollback is the same way with steps [100]", async () => {
    const world = new World().serves(fresh);
    const plan = planRollback(values, old, fresh);
    const { holder } = world.driving();
    const rollout = beginRollout(plan, { id: "r2", reason: "rollback", holder, now: new Date(0) });
    const ended = await drive({ ...world.driving(), rollout, golden: world.golden(old) });
    expect(ended.outcome).toBe("promoted");
    expect([world.stable, world.canary, world.previous]).toEqual([old, null, null]);
  });

  test("Ctrl-C at any call leaves one stable and nothing of the canary", async () => {
    const whole = new World().serves(old);
    await run(whole, { steps: [25], intervalMs: 1000, bakeMs: 1000 });
    const seen = new Set<string>();
    for (let call = 0; call < whole.calls.length; call += 1) {
      const world = new World().serves(old);
      const interrupt = new AbortController();
      world.onCall = (_name, index) => {
        if (index === call) interrupt.abort(new Error("SIGINT"));
      };
      const rollout = await run(world, { steps: [25], intervalMs: 1000, bakeMs: 1000 }, interrupt.signal);
      seen.add(`${rollout.outcome}`);
      expect([world.canary, world.previous, world.share], `call ${call}`).toEqual([null, null, 0]);
      expect(world.stable).toEqual(rollout.outcome === "promoted" ? fresh : old);
      expect(errorOf(rollout)?.exit ?? "finished before").toMatch(/^(interrupted|finished before)$/);
      expect(world.ledgerEntries).toHaveLength(1);
      expect(world.broken).toEqual([]);
    }
    expect([...seen].sort()).toEqual(["interrupted", "promoted"]);
  });

  test("Ctrl-C breaks off a start that takes long", async () => {
    const world = new World().serves(old);
    const interrupt = new AbortController();
    const never = new Promise<void>(() => {});
    world.target.fleet.ready = () => {
      interrupt.abort(new Error("SIGINT"));
      return never;
    };
    const rollout = await run(world, {}, interrupt.signal);
    expect(rollout.outcome).toBe("interrupted");
    expect(world.canary).toBeNull();
  });

  test("an error that is not mlship's is recorded as a fault", async () => {
    const world = new World().serves(old);
    world.target.preflight = () => Promise.reject(new MlshipError({ code: "x.y", what: "z", exit: "usage" }));
    expect(errorOf(await run(world))).toMatchObject({ code: "x.y", exit: "usage" });
    world.target.preflight = () => Promise.reject(new TypeError("boom"));
    const rollout = world.begin(fresh, "r2");
    const ended = await drive({ ...world.driving(), rollout, golden: world.golden(fresh) });
    expect(errorOf(ended)).toMatchObject({ code: "rollout.fault", why: "boom", exit: "internal" });
  });
});
