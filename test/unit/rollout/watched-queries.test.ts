// Queries of another source: what takes a canary back, what lets a step wait, and when they are asked.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drive } from "../../../src/rollout/engine.ts";
import { planRollout } from "../../../src/rollout/plan.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import type { Metrics, QueryAnswer } from "../../../src/rollout/ports.ts";
import { readRollout } from "../../../src/rollout/record.ts";
import {
  addAnswers,
  fillQuery,
  findOpenQuery,
  findQueryBreach,
  findQueryDoubt,
} from "../../../src/rollout/watched-queries.ts";
import { fresh, old, values, World } from "./world.ts";

const rate = { name: "rate", query: "rate()", max: 0.1, min: 0 };
const queries = [rate];

/** What is known after these answers, all asked in step 1. */
function after(answers: QueryAnswer[]) {
  let known: ReturnType<typeof addAnswers> = [];
  for (const answer of answers) known = addAnswers(queries, known, { step: 1, answers: [answer] });
  return known;
}

const answer: fc.Arbitrary<QueryAnswer> = fc.oneof(
  fc.record({ value: fc.double({ min: -1, max: 1, noNaN: true }) }),
  fc.record({ problem: fc.constant("the query gives nothing") }),
);
const isBeyond = (one: QueryAnswer | undefined) =>
  one !== undefined && "value" in one && (one.value > 0.1 || one.value < 0);

describe("the rule", () => {
  test("two values in a row beyond a bound take the canary back, and nothing else does", () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
        const isBad = isBeyond(answers.at(-1)) && isBeyond(answers.at(-2));
        expect(findQueryBreach(queries, after(answers)) !== null).toBe(isBad);
      }),
    );
  });

  test("a step is free only after one number within its bounds, asked in that step", () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 6 }), fc.integer({ min: 0, max: 2 }), (answers, step) => {
        const last = answers.at(-1);
        const isGood = last !== undefined && "value" in last && !isBeyond(last);
        expect(findOpenQuery(queries, after(answers), step) === null).toBe(isGood && step === 1);
      }),
    );
  });

  test("says which query, which value and which bound", () => {
    expect(findQueryBreach(queries, after([{ value: 0.2 }, { value: 0.3 }]))).toBe(
      "rate is 0.3, above 0.1, in 2 readings in a row",
    );
    expect(findQueryDoubt(queries, after([{ value: -2 }]))).toBe("rate is -2, below 0");
    expect(findQueryDoubt(queries, after([{ problem: "x" }]))).toBeNull();
    expect(findOpenQuery(queries, [], 1)).toBe("rate was not answered in this step");
    expect(findOpenQuery(queries, after([{ problem: "the query gives nothing" }]), 1)).toBe(
      "rate: the query gives nothing",
    );
  });

  test("an answer that is missing is none", () => {
    const known = addAnswers([rate, { ...rate, name: "other" }], [], { step: 1, answers: [{ value: 0 }] });
    expect(findOpenQuery([rate, { ...rate, name: "other" }], known, 1)).toBe("other: it was not answered");
  });

  test("placeholders become ids, everywhere they stand", () => {
    const text =
      'a{pod=~"{{canary}}-.*"} / b{pod=~"{{stable}}-.*",namespace="{{namespace}}"} - c{x="{{canary}}"}';
    expect(fillQuery(text, { canary: fresh, stable: old, namespace: "ml" })).toBe(
      `a{pod=~"${fresh.id}-.*"} / b{pod=~"${old.id}-.*",namespace="ml"} - c{x="${fresh.id}"}`,
    );
  });
});

const watched: Partial<RolloutValues> = { watched: { queries: [rate], namespace: "ml" } };

/** A rollout whose queries are answered so, with the times at which they were asked. */
async function run(ask: (nth: number) => QueryAnswer | Promise<QueryAnswer>, changed = watched) {
  const world = new World().serves(old);
  const asked: { at: number; share: number }[] = [];
  const metrics: Metrics = {
    async ask() {
      asked.push({ at: world.clock.monotonic(), share: world.share });
      return await ask(asked.length);
    },
  };
  const rollout = world.begin(fresh, "r1", changed);
  const ended = await drive({ ...world.driving(), metrics, rollout, golden: world.golden(fresh) });
  const texts = world.news.flatMap((news) => (news.type === "moved" ? [news.text] : []));
  expect(world.broken).toEqual([]);
  return { world, asked, ended, texts };
}

describe("a rollout with queries", () => {
  test("is promoted while they keep their bounds; asked every 10 s at most, and only of a canary with a share", async () => {
    const { world, asked, ended } = await run(() => ({ value: 0.05 }));
    expect(ended.outcome).toBe("promoted");
    expect(world.stable).toEqual(fresh);
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.every(({ share }) => share > 0)).toBe(true);
    const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
  });

  test("is taken back by the second value beyond a bound", async () => {
    const { world, asked, ended } = await run((nth) => ({ value: nth === 1 ? 0.2 : 0.3 }));
    expect(ended).toMatchObject({
      outcome: "rolled-back",
      why: { code: "rollout.metric", exit: "gate", why: "rate is 0.3, above 0.1, in 2 readings in a row" },
    });
    expect(asked).toHaveLength(2);
    expect([world.stable, world.canary, world.share]).toEqual([old, null, 0]);
  });

  test("goes on after one stumble", async () => {
    const { ended, texts } = await run((nth) => ({ value: nth === 1 ? 0.2 : 0 }));
    expect(ended.outcome).toBe("promoted");
    expect(texts).toContain("hold: queries");
  });

  test.each([
    [
      "does not answer",
      () => ({ problem: "Prometheus did not answer within 5 s" }),
      "did not answer within 5 s",
    ],
    ["hangs", () => new Promise<QueryAnswer>(() => {}), "no answer within 6 s"],
    ["throws", () => Promise.reject(new Error("broken")), "rate: broken"],
  ])("holds and ends inconclusive when the source %s", async (_how, ask, why) => {
    const { world, ended, texts } = await run(ask);
    expect(texts).toContain("hold: queries");
    expect(ended).toMatchObject({ outcome: "inconclusive", step: 0, why: { code: "rollout.inconclusive" } });
    expect(ended.why?.why).toContain(why);
    expect(world.stable).toEqual(old);
    expect(world.news.filter(({ type }) => type === "measured").length).toBeGreaterThan(15);
  });

  test("holds when nobody was given to ask", async () => {
    const world = new World().serves(old);
    const rollout = world.begin(fresh, "r1", watched);
    const ended = await drive({ ...world.driving(), rollout, golden: world.golden(fresh) });
    expect(ended).toMatchObject({ outcome: "inconclusive", why: { why: "rate: there is nobody to ask" } });
  });

  test("is moved on by a person while nothing answers", async () => {
    const world = new World().serves(old);
    world.onCall = (name) => {
      if (name === "measured" && !world.full.has(fresh.id)) world.wish = "promote";
    };
    const rollout = world.begin(fresh, "r1", watched);
    const metrics: Metrics = { ask: () => Promise.resolve({ problem: "down" }) };
    const ended = await drive({ ...world.driving(), metrics, rollout, golden: world.golden(fresh) });
    expect(ended.outcome).toBe("promoted");
  });

  test.each([
    [1, "promoted", null],
    [2, "rolled-back", "rollout.metric"],
  ])("judges %s bad values while the full set comes up: %s", async (bad, outcome, code) => {
    const world = new World().serves(old);
    let left = bad;
    const metrics: Metrics = {
      ask: () => Promise.resolve({ value: world.full.has(fresh.id) && left-- > 0 ? 0.5 : 0 }),
    };
    let begun = Number.POSITIVE_INFINITY;
    world.onCall = (name) => {
      if (name === "expand") begun = world.clock.monotonic();
    };
    world.behaves(fresh, { whole: (at) => at > begun + 12_000 });
    const rollout = world.begin(fresh, "r1", { ...watched, startTimeoutMs: 60_000 });
    const ended = await drive({ ...world.driving(), metrics, rollout, golden: world.golden(fresh) });
    expect([ended.outcome, ended.why?.code ?? null]).toEqual([outcome, code]);
    // One bad value is waited for until the next is there.
    expect(world.clock.monotonic() - begun).toBeGreaterThan(10_000);
    expect(world.broken).toEqual([]);
  });

  test("asks nothing without queries, and writes the same record", async () => {
    const { asked, ended } = await run(() => ({ value: 1 }), {});
    expect(asked).toEqual([]);
    expect(ended.outcome).toBe("promoted");
    expect(ended.plan).not.toHaveProperty("queries");
    expect(ended.evidence).not.toHaveProperty("queries");
  });

  test("reads its record back", async () => {
    const { ended } = await run(() => ({ value: 1 }));
    expect(ended.evidence.queries).toMatchObject([{ name: "rate", value: 1, beyond: 2 }]);
    expect(readRollout(JSON.parse(JSON.stringify(ended)))).toEqual(ended);
  });
});

test("only a way with a canary has queries, and its plan names them", () => {
  const all = { ...values, ...watched };
  expect(planRollout(all, fresh, null).plan).not.toHaveProperty("queries");
  expect(planRollout({ ...all, steps: [100] }, fresh, old).plan).not.toHaveProperty("queries");
  const { plan, steps } = planRollout(all, fresh, old);
  expect(plan.queries).toEqual([rate]);
  expect(steps.join("\n")).toContain("of them succeeded, while rate keep their bounds");
});
