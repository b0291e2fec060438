import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  lastOf,
  readChannel,
  readNewest,
  servingIn,
  type ChannelEntry,
} from "../../../src/artifacts/channel.ts";
import { channelPrefix, entryKey } from "../../../src/artifacts/layout.ts";
import { appendMove, type ChannelMove } from "../../../src/artifacts/move.ts";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { findPrevious, previousOf } from "../../../src/artifacts/previous.ts";
import { Killed, createMemoryStore } from "./memory-store.ts";

let nonces = 0;

function move(
  action: ChannelMove["action"],
  version: string,
  expected: string | null,
  nonce = `n${++nonces}`,
): ChannelMove {
  const said = {
    reason: "because",
    evidence: { requests: 100 },
    actor: "ada@loom",
    at: "2026-01-02T03:04:05Z",
  };
  return { action, version, release: null, expected, nonce, ...said };
}

/** Appends moves that expect what serves. */
async function play(store: ObjectStore, moves: [ChannelMove["action"], string][]) {
  for (const [action, version] of moves) {
    const expected = await servingIn(store, "fraud", "production");
    await appendMove(store, "fraud", "production", move(action, version, expected));
  }
  return readChannel(store, "fraud", "production");
}

const refusals = (count: number) =>
  Array.from({ length: count }, (): [ChannelMove["action"], string] => ["refuse", "9.0.0"]);

/** What `work` gives, and how many objects it read for that. */
async function readsOf<T>(store: ObjectStore, work: (watched: ObjectStore) => Promise<T>) {
  let reads = 0;
  const read = (key: string) => {
    reads += 1;
    return store.read(key);
  };
  return { result: await work({ ...store, read }), reads };
}

describe("a channel", () => {
  it("tells what served, and what is left as it was", async () => {
    const entries = await play(createMemoryStore(), [
      ["promote", "1.0.0"],
      ["promote", "1.1.0"],
      ["refuse", "1.2.0"],
      ["take-back", "1.3.0"],
      ["rollback", "1.0.0"],
    ]);
    expect(entries.map(({ seq, from, to }) => [seq, from, to])).toEqual([
      [1, null, "1.0.0"],
      [2, "1.0.0", "1.1.0"],
      [3, "1.1.0", "1.1.0"],
      [4, "1.1.0", "1.1.0"],
      [5, "1.1.0", "1.0.0"],
    ]);
    expect(entries.at(-1)?.to).toBe("1.0.0");
  });

  it.each<[string, [ChannelMove["action"], string][], string | null]>([
    ["nothing served", [], null],
    ["one served", [["promote", "1.0.0"]], null],
    [
      "the one before",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
      ],
      "1.0.0",
    ],
    [
      "a refused one between",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["refuse", "1.2.0"],
        ["take-back", "1.3.0"],
      ],
      "1.0.0",
    ],
    [
      "one rolled back from",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["promote", "1.2.0"],
        ["rollback", "1.1.0"],
      ],
      "1.0.0",
    ],
    [
      "all rolled back",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["rollback", "1.0.0"],
      ],
      null,
    ],
    [
      "two steps at once",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["promote", "1.2.0"],
        ["rollback", "1.0.0"],
      ],
      null,
    ],
    [
      "forward again",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["rollback", "1.0.0"],
        ["promote", "1.1.0"],
      ],
      "1.0.0",
    ],
    [
      "back to one that never served here",
      [
        ["promote", "1.0.0"],
        ["rollback", "0.9.0"],
      ],
      "1.0.0",
    ],
    [
      "promoted again as it was",
      [
        ["promote", "1.0.0"],
        ["promote", "1.1.0"],
        ["promote", "1.1.0"],
      ],
      "1.0.0",
    ],
  ])("goes back right after %s", async (_what, moves, expected) => {
    expect(previousOf(await play(createMemoryStore(), moves))).toBe(expected);
  });

  it("a rollback never goes to a version that was rolled back from, and ends", async () => {
    const promoting = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(promoting, async (patches) => {
        const store = createMemoryStore();
        const versions = patches.map((patch) => `1.0.${patch}`);
        let entries = await play(
          store,
          versions.map((version) => ["promote", version]),
        );
        for (const version of versions.toReversed().slice(1)) {
          expect(previousOf(entries)).toBe(version);
          entries = await play(store, [["rollback", version]]);
        }
        expect(previousOf(entries)).toBe(null);
      }),
      { numRuns: 30 },
    );
  });

  it("decides from its newest entries as it does from all, or says that it cannot", async () => {
    const moves = fc.array(
      fc.tuple(
        fc.constantFrom<ChannelMove["action"]>("promote", "promote", "rollback", "refuse", "take-back"),
        fc.integer({ min: 0, max: 4 }).map((patch) => `1.0.${patch}`),
      ),
      { maxLength: 14 },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (played) => {
        const entries = await play(createMemoryStore(), played);
        const whole = previousOf(entries);
        expect(whole).not.toBeUndefined();
        for (const [first] of entries.entries())
          expect([whole, undefined]).toContain(previousOf(entries.slice(first)));
      }),
      { numRuns: 60 },
    );
  });

  it("finds where to go back to with few reads, and with more where a rollback hides it", async () => {
    const store = createMemoryStore();
    await play(store, [["promote", "1.0.0"], ["promote", "1.1.0"], ...refusals(60), ["promote", "1.2.0"]]);
    expect(await readsOf(store, (watched) => findPrevious(watched, "fraud", "production"))).toEqual({
      result: "1.1.0",
      reads: 32,
    });
    await play(store, [...refusals(40), ["rollback", "1.1.0"]]);
    expect(await readsOf(store, (watched) => findPrevious(watched, "fraud", "production"))).toEqual({
      result: "1.0.0",
      reads: 32 + 104,
    });
  });

  it("refuses a move whose writer did not know what serves", async () => {
    const store = createMemoryStore();
    await play(store, [["promote", "1.0.0"]]);
    await expect(
      appendMove(store, "fraud", "production", move("promote", "1.1.0", null)),
    ).rejects.toMatchObject({
      code: "channel.moved",
      exit: "attention",
    });
    expect(await readChannel(store, "fraud", "production")).toHaveLength(1);
  });

  it("takes one of several promotions made at once and every refusal, in one unbroken chain", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
        async (scheduler, promoters, refusers) => {
          const store = createMemoryStore();
          store.pause = () => scheduler.schedule(Promise.resolve());
          const promotions = Array.from({ length: promoters }, (_, index) =>
            move("promote", `1.${index}.0`, null),
          );
          const refusing = Array.from({ length: refusers }, (_, index) =>
            move("refuse", `2.${index}.0`, null),
          );
          const writing = Promise.allSettled(
            [...promotions, ...refusing].map((one) => appendMove(store, "fraud", "production", one)),
          );
          await scheduler.waitFor(writing);
          const results = await writing;
          store.pause = () => Promise.resolve();
          const entries = await readChannel(store, "fraud", "production");
          expect(entries.filter((entry) => entry.action === "promote")).toHaveLength(1);
          const failed = results.filter((result) => result.status === "rejected");
          expect(entries).toHaveLength(results.length - failed.length);
          for (const result of failed) expect(result).toMatchObject({ reason: { code: "channel.moved" } });
        },
      ),
      { numRuns: 80 },
    );
  });

  it.each(["before", "after"] as const)(
    "a move killed %s its write is made once when it is made again",
    async (when) => {
      const store = createMemoryStore();
      await play(store, [["promote", "1.0.0"]]);
      const again = move("promote", "1.1.0", "1.0.0");
      store.kill = { at: store.creates + 1, when };
      await expect(appendMove(store, "fraud", "production", again)).rejects.toThrow(Killed);
      expect(await appendMove(store, "fraud", "production", again)).toMatchObject({
        seq: 2,
        nonce: again.nonce,
      });
      expect(await readChannel(store, "fraud", "production")).toHaveLength(2);
    },
  );

  it("finds an entry that is missing, altered, swapped or taken from another channel", async () => {
    const store = createMemoryStore();
    await play(store, [
      ["promote", "1.0.0"],
      ["promote", "1.1.0"],
      ["promote", "1.2.0"],
    ]);
    await appendMove(store, "fraud", "staging", move("promote", "1.0.0", null));
    const good = new Map(store.objects);
    const at = (seq: number) => entryKey("fraud", "production", seq);
    const damages: (() => unknown)[] = [
      () => store.objects.delete(at(1)),
      () => store.objects.delete(at(2)),
      () => store.objects.set(at(3), good.get(at(2))!),
      () => store.objects.set(at(1), good.get(entryKey("fraud", "staging", 1))!),
      () =>
        store.objects.set(
          at(2),
          Buffer.from(
            Buffer.from(good.get(at(2))!)
              .toString()
              .replace("because", "because!"),
          ),
        ),
      () => store.objects.set(at(2), Buffer.from("{")),
    ];
    for (const damage of damages) {
      store.objects.clear();
      for (const [key, bytes] of good) store.objects.set(key, bytes);
      expect(await readChannel(store, "fraud", "production")).toHaveLength(3);
      damage();
      await expect(readChannel(store, "fraud", "production")).rejects.toMatchObject({
        code: "store.corrupt",
      });
    }
  });

  it("reads its end and what is asked for, and nothing else", async () => {
    const store = createMemoryStore();
    await play(store, [["promote", "1.0.0"], ...refusals(50)]);
    const newest = await readsOf(store, (watched) => readNewest(watched, "fraud", "production", 3));
    expect(newest.result.map(({ seq }: ChannelEntry) => seq)).toEqual([49, 50, 51]);
    expect(newest.reads).toBe(3);
    const appending = move("promote", "1.1.0", "1.0.0");
    expect(
      await readsOf(store, (watched) => appendMove(watched, "fraud", "production", appending)),
    ).toMatchObject({ result: { seq: 52 }, reads: 32 });
  });
});

/** A log of so many entries, of which only the keys are ever looked at. */
function longLog(length: number): { store: ObjectStore; requests: () => number } {
  let requests = 0;
  const prefix = channelPrefix("fraud", "production");
  const numberOf = (key: string) => Number(key.slice(prefix.length, -".json".length));
  const store: ObjectStore = {
    ...createMemoryStore(),
    size: (key) => {
      requests += 1;
      return Promise.resolve(numberOf(key) <= length ? 500 : null);
    },
    async *list(_prefix, after = entryKey("fraud", "production", 0)) {
      for (let seq = numberOf(after) + 1; seq <= length; seq++) {
        if ((seq - numberOf(after)) % 1000 === 1) requests += 1;
        yield await Promise.resolve(entryKey("fraud", "production", seq));
      }
    },
  };
  return { store, requests: () => requests };
}

describe("the end of a log", () => {
  it("is found whatever its length, from wherever it is looked for", async () => {
    const lengths = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 300_000 }));
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 0, max: 300_000 }), async (length, known) => {
        const { store } = longLog(length);
        expect(await lastOf(store, "fraud", "production", Math.min(known, length))).toBe(length);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [999, 1],
    [10_000, 26],
    [1_000_000, 57],
  ])("takes few requests: %i entries at most %i", async (length, most) => {
    const { store, requests } = longLog(length);
    expect(await lastOf(store, "fraud", "production")).toBe(length);
    expect(requests()).toBeLessThanOrEqual(most);
  });

  it("with a gap is refused, and nothing is appended into the gap", async () => {
    const store = createMemoryStore();
    await play(store, [["promote", "1.0.0"], ...refusals(4)]);
    store.objects.delete(entryKey("fraud", "production", 4));
    await expect(
      appendMove(store, "fraud", "production", move("refuse", "9.0.0", "1.0.0")),
    ).rejects.toMatchObject({ code: "store.corrupt" });
    expect(store.objects.size).toBe(4);
  });
});
