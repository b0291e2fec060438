// Publishers and collectors that are slow, die and wake up again, in every order: nothing published is ever lost.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findGarbage } from "../../../src/artifacts/garbage.ts";
import { blobKey, releaseKey, versionKey } from "../../../src/artifacts/layout.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { blobsOf } from "../../../src/artifacts/release.ts";
import { sweep } from "../../../src/artifacts/sweep.ts";
import { MlshipError } from "../../../src/errors.ts";
import { exampleRelease } from "./example.ts";
import { Expired, Gate, Killed, SlowWorld, type Death } from "./slow-world.ts";

const minute = 60_000;
const hour = 60 * minute;
const examples = [
  exampleRelease("1.0.0", "weights"),
  exampleRelease("1.1.0", "weights"),
  exampleRelease("2.0.0", "others"),
];

const death = fc.option(
  fc.record({
    at: fc.integer({ min: 1, max: 40 }),
    effect: fc.constantFrom<Death["effect"]>("never", "before", "later"),
  }),
  { nil: null },
);
const sleep = fc.record({
  at: fc.integer({ min: 1, max: 25 }),
  turns: fc.constantFrom(0, 20, 160),
  ms: fc.constantFrom(0, 0, minute, 6 * minute, 14 * minute, 20 * minute, 2 * hour, 13 * hour, 25 * hour),
});
const pace = {
  death,
  sleeps: fc.array(sleep, { maxLength: 2 }),
  slowness: fc.constantFrom(1, 1, 1, 5),
  /** How often the others may come first before it begins. */
  start: fc.integer({ min: 0, max: 60 }),
};
const publisher = fc.record({ release: fc.constantFrom(...examples), ...pace });
const collector = fc.record({ graceMs: fc.constantFrom(0, hour), ...pace });
/** What lies in the store from publishers that died long ago: any of the blobs. */
const remains = fc.subarray(examples.flatMap(({ release }) => blobsOf(release)));

function assertWhole(world: SlowWorld): void {
  for (const { release } of examples) {
    if (!world.objects.has(versionKey(release.name, release.version))) continue;
    const needed = [releaseKey(release.digest), ...blobsOf(release).map(({ sha256 }) => blobKey(sha256))];
    const lost = needed.filter((key) => !world.objects.has(key));
    if (lost.length > 0) throw new Error(`${release.version} lost ${lost.join(", ")}`);
  }
}

const ends = (error: unknown) => {
  if (error instanceof Killed || error instanceof Expired) return;
  if (error instanceof MlshipError && error.code === "store.sweeping") return;
  // What it found went while it slept for longer than its intent is honoured; it names nothing then.
  if (error instanceof MlshipError && error.why?.startsWith("it has no bytes") === true) return;
  throw error;
};

test("nothing published is lost at any moment", async () => {
  const runs = Number(process.env["MLSHIP_RUNS"] ?? 400);
  let named = 0;
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      remains,
      fc.array(publisher, { minLength: 1, maxLength: 3 }),
      fc.array(collector, { minLength: 1, maxLength: 3 }),
      async (scheduler, blobs, publishers, collectors) => {
        let broken: unknown = null;
        const world = new SlowWorld(
          () => scheduler.schedule(Promise.resolve()),
          () => {
            try {
              assertWhole(world);
            } catch (error) {
              broken ??= error;
            }
          },
        );
        for (const { sha256 } of blobs) {
          const bytes = examples.map(({ sources }) => sources.get(sha256)).find(Boolean) as Uint8Array;
          world.objects.set(blobKey(sha256), { bytes, at: world.time - 30 * 24 * hour });
        }
        const turns = async (count: number) => {
          for (let turn = 0; turn < count; turn += 1) await scheduler.schedule(Promise.resolve());
        };
        const publishing = publishers.map(async ({ release: { release, sources }, start, ...own }) => {
          const { store, clock } = world.actor(own);
          await turns(start);
          if ((await publish(store, release, sources, { clock })).created) named += 1;
        });
        const collecting = collectors.map(async ({ graceMs, start, ...own }) => {
          const actor = world.actor(own);
          await turns(start);
          const found = await findGarbage(actor.store, actor.sweeper, graceMs);
          removed += (await sweep(actor, found)).removed.length;
        });
        const all = [...publishing, ...collecting].map((one) => one.catch(ends));
        await scheduler.waitFor(Promise.all(all));
        while (scheduler.count() > 0) await scheduler.waitOne();
        if (broken !== null) throw broken;
        assertWhole(world);
      },
    ),
    { numRuns: runs },
  );
  // The world was not so hostile that nothing ever happened in it.
  expect(named).toBeGreaterThan(runs / 10);
  expect(removed).toBeGreaterThan(runs / 10);
}, 120_000);

test.each([
  { nap: 0, begun: 16, slowness: 0, steps: 36 },
  // The collector is longer asleep than its condemnation is feared.
  { nap: 2 * hour, begun: 0, slowness: 1, steps: 80 },
])(
  "nothing is lost wherever publisher and collector overtake each other once: %o",
  async (schedule) => {
    const { nap, begun, slowness, steps } = schedule;
    const at = { death: null, slowness, sleeps: [] };
    const [{ release, sources }] = examples as [(typeof examples)[0]];
    let removed = 0;
    for (let first = 0; first <= begun; first += 1)
      for (let second = 0; second <= steps; second += 1) {
        const world = new SlowWorld(
          () => Promise.resolve(),
          () => assertWhole(world),
        );
        for (const { sha256 } of blobsOf(release)) {
          const bytes = sources.get(sha256) as Uint8Array;
          world.objects.set(blobKey(sha256), { bytes, at: world.time - 30 * 24 * hour });
        }
        const [publisherGate, collectorGate] = [new Gate(), new Gate()];
        const { store, clock } = world.actor(at, publisherGate.step);
        const actor = world.actor(at, collectorGate.step);
        const begin = () => publish(store, release, sources, { clock }).catch(ends);
        const early = first > 0 ? begin() : null;
        const collecting = findGarbage(actor.store, actor.sweeper, 0)
          .then((found) => sweep(actor, found))
          .then((swept) => (removed += swept.removed.length), ends);
        await publisherGate.allow(first);
        await collectorGate.allow(second);
        world.time += nap;
        const publishing = early ?? begin();
        await publisherGate.allow(1000);
        await collectorGate.allow(1000);
        await Promise.all([publishing, collecting]);
        assertWhole(world);
      }
    expect(removed).toBeGreaterThan(0);
  },
  120_000,
);
