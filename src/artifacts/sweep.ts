// Removes garbage such that no publisher, however slow or however many, ever loses what it relied on.
import { condemn, removesFor } from "./condemned.ts";
import { startWatch, type Clock } from "./elapsed.ts";
import type { Garbage, Garbages } from "./garbage.ts";
import { inParallel } from "./in-parallel.ts";
import { readIntents } from "./intent.ts";
import type { Marks } from "./marks.ts";
import type { ObjectStore, Sweeper, UnfinishedObject } from "./ports.ts";

/** What became of garbage. */
export interface Swept {
  removed: Garbage[];
  abandoned: UnfinishedObject[];
  /** What the store keeps until its lock ends. */
  locked: Garbage[];
  /** What somebody came to need meanwhile, or there was no time for; the next gc looks at it again. */
  left: Garbage[];
}

/** What a sweep works with. */
export interface Sweeping {
  store: ObjectStore;
  sweeper: Sweeper;
  clock: Clock;
  signal?: AbortSignal | undefined;
  /** Told each object that was dealt with. */
  onDone?: () => void;
}

/** Objects condemned at once: many enough to share one look at the intents, few enough to be removed in time. */
const batchSize = 2000;

/**
 * Removes what {@link findGarbage} found. Blobs and releases are condemned first; then intents are
 * read, then versions, and only what neither names is removed. docs/concepts/gc.md proves why this
 * is enough. An interruption ends it between two removals.
 * @throws MlshipError `store.*`; the reason of `signal`
 */
export async function sweep(sweeping: Sweeping, garbage: Garbages): Promise<Swept> {
  const { store, sweeper, signal, onDone } = sweeping;
  const swept: Swept = { removed: [], abandoned: [], locked: [], left: [] };
  // Whoever may not remove learns it here, and not when publishers already wait for the end of it.
  await sweeper.remove(await condemn(store, await sweeper.now(), []));
  await inParallel(garbage.spent, (object) => removeOne(sweeping, object, swept), { signal });
  const abandon = async (upload: UnfinishedObject) => {
    await sweeper.abandon(upload);
    swept.abandoned.push(upload);
    onDone?.();
  };
  await inParallel(garbage.unfinished, abandon, { signal });
  for (let from = 0; from < garbage.unneeded.length; from += batchSize) {
    signal?.throwIfAborted();
    await sweepBatch(sweeping, garbage.unneeded.slice(from, from + batchSize), garbage.marks, swept);
  }
  signal?.throwIfAborted();
  return swept;
}

/** A condemnation is withdrawn only when every removal was answered; else it has to age. */
async function sweepBatch(
  sweeping: Sweeping,
  batch: readonly Garbage[],
  marks: Marks,
  swept: Swept,
): Promise<void> {
  const { store, sweeper, clock, signal } = sweeping;
  const elapsed = startWatch(clock);
  const keys = batch.map(({ key }) => key);
  const condemnation = await condemn(store, await sweeper.now(), keys);
  const intended = await readIntents(store, sweeper);
  await marks.extend();
  await inParallel(batch, async (object) => {
    const isNeeded = intended.has(object.key) || marks.has(object.key);
    if (isNeeded || elapsed() >= removesFor || signal?.aborted === true) swept.left.push(object);
    else await removeOne(sweeping, object, swept);
  });
  await sweeper.remove(condemnation);
}

async function removeOne({ sweeper, onDone }: Sweeping, object: Garbage, swept: Swept): Promise<void> {
  const outcome = await sweeper.remove(object.key);
  swept[outcome].push(object);
  onDone?.();
}
