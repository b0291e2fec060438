// A driver that is killed before or after any of its writes: at no instant does stable lose a server, and another
// process on another machine finishes or takes back what was left.
import { describe, expect, test, vi } from "vitest";
import { isFinished } from "../../../../src/rollout/record.ts";
import { Killed, type Hooks } from "./fake-api.ts";
import { fresh, old, playedSplit, Story } from "./fake-rollout.ts";

vi.mock("../../../../src/targets/kubernetes/traffic/split.ts", () => ({
  splitOf: (_kind: string, parts: Parameters<typeof playedSplit>[0]) => playedSplit(parts),
}));

const quick = { steps: [25], intervalMs: 1000, bakeMs: 2000 };

/** Dies at a write, counted from the beginning of the deploy. */
function dying(at: number, when: "before" | "after"): Hooks & { of: (client: { isDead: boolean }) => void } {
  let client: { isDead: boolean } | null = null;
  const die = (index: number) => {
    if (index === at && client !== null) client.isDead = true;
  };
  return { of: (one) => (client = one), [when]: ({ index }: { index: number }) => die(index) };
}

async function dieAndRecover(at: number, when: "before" | "after", isBad: boolean): Promise<void> {
  const story = await new Story().serve();
  if (isBad) story.cluster.errors.set(fresh.id, 0.5);
  const hooks = dying(at, when);
  const first = story.process(hooks);
  hooks.of(first.client);
  await story.deploy(first, fresh, quick).catch((error: unknown) => {
    if (!first.client.isDead) throw error;
    expect(error).toBeInstanceOf(Killed);
  });
  const write = story.cluster.server.writes[at];
  const where = `killed ${when} write ${at}: ${write?.verb} ${write?.kind} ${write?.name}`;
  const second = story.process();
  const began = story.cluster.server.clock.monotonic();
  await story.setRight(second);
  expect(story.cluster.server.clock.monotonic() - began, where).toBeLessThan(60_000);
  expect(story.cluster.leftovers(), where).toEqual([]);
  const record = await second.target.records.load();
  expect(record === null || isFinished(record), where).toBe(true);
  const { stable, canary, previous, share } = await second.target.observe();
  expect([canary, previous, share], where).toEqual([null, null, 0]);
  expect(stable?.id, where).toBe(record?.outcome === "promoted" ? record.to.id : old.id);
  const third = story.process();
  expect(await story.setRight(third), where).toEqual([]);
  // A lock that died with its holder does not keep anybody out either.
  await (await third.target.lock.acquire(third.driving.holder)).release();
  expect(story.cluster.broken, where).toEqual([]);
  expect(
    story.ledger.map(({ rollout }) => rollout),
    where,
  ).toHaveLength(new Set(story.ledger.map(({ rollout }) => rollout)).size);
}

describe("a whole rollout", () => {
  test("promotes a good version; stable is whole at every instant", async () => {
    const story = await new Story().serve();
    const rollout = await story.deploy(story.process(), fresh, quick);
    expect(rollout.outcome).toBe("promoted");
    expect(story.cluster.selected("stable")).toBe(fresh.id);
    expect(story.cluster.leftovers()).toEqual([]);
    expect(story.cluster.broken).toEqual([]);
  });

  test("takes a bad version back", async () => {
    const story = await new Story().serve();
    story.cluster.errors.set(fresh.id, 0.5);
    const rollout = await story.deploy(story.process(), fresh, quick);
    expect(rollout.outcome).toBe("rolled-back");
    expect(story.cluster.selected("stable")).toBe(old.id);
    expect(story.cluster.leftovers()).toEqual([]);
    expect(story.cluster.broken).toEqual([]);
  });
});

describe("killed at every write", { timeout: 240_000 }, () => {
  test.each([
    ["a version that is promoted", false],
    ["a version that is taken back", true],
  ])("%s", async (_name, isBad) => {
    const whole = await new Story().serve();
    if (isBad) whole.cluster.errors.set(fresh.id, 0.5);
    await whole.deploy(whole.process(), fresh, quick);
    expect(whole.cluster.server.writes.length).toBeGreaterThan(20);
    await dieAndRecover(0, "before", isBad);
    // Before a write is after the one before it; an Event changes nothing that anybody goes by.
    for (const { index, kind } of whole.cluster.server.writes) {
      if (kind !== "Event") await dieAndRecover(index, "after", isBad);
    }
  });
});
