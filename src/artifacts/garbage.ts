// What a store holds that nobody needs: what was published in part, and what protocols left behind.
import { honouredFor, readIntents } from "./intent.ts";
import { blobsPrefix, condemnedPrefix, intentsPrefix, probesPrefix, releasesPrefix } from "./layout.ts";
import { Marks } from "./marks.ts";
import type { KeptObject, ObjectStore, Sweeper, UnfinishedObject } from "./ports.ts";

export type GarbageKind = "blob" | "release" | "note";

/** An object that nobody needs. note: of a probe, an intent or a condemnation. */
export interface Garbage extends KeptObject {
  kind: GarbageKind;
}

/** What was found in a store. */
export interface Garbages {
  /** Blobs and releases that no version leads to: a publisher might come to need them again. */
  unneeded: Garbage[];
  /** What no one will look at again. */
  spent: Garbage[];
  unfinished: UnfinishedObject[];
  /** Blobs and releases that stay: needed, or younger than the grace. */
  kept: { objects: number; bytes: number };
  /** What led to this, to be extended before anything is removed. */
  marks: Marks;
}

/**
 * Looks for garbage, and changes nothing.
 * @param graceMs age from which a blob or release without a version is garbage, by the store's clock.
 *   For the rest it is a day at least: by then nobody can still be at work on it.
 * @throws MlshipError `store.*`
 */
export async function findGarbage(
  store: ObjectStore,
  sweeper: Sweeper,
  graceMs: number,
  signal?: AbortSignal,
): Promise<Garbages> {
  const now = (await sweeper.now()).getTime();
  const isOlder = ({ at }: { at: Date }, ms: number) => now - at.getTime() >= ms;
  const marks = new Marks(store);
  const candidates: Garbage[] = [];
  const kept = { objects: 0, bytes: 0 };
  const keep = ({ size }: KeptObject) => {
    kept.objects += 1;
    kept.bytes += size;
  };
  const places = [
    ["blob", blobsPrefix],
    ["release", releasesPrefix],
  ] as const;
  for (const [kind, prefix] of places)
    for await (const object of sweeper.kept(prefix))
      if (isOlder(object, graceMs)) candidates.push({ ...object, kind });
      else keep(object);
  const intended = await readIntents(store, sweeper);
  await marks.extend(signal);
  const isUnneeded = ({ key }: KeptObject) => !intended.has(key) && !marks.has(key);
  for (const object of candidates) if (!isUnneeded(object)) keep(object);

  const spentAfter = Math.max(graceMs, honouredFor);
  const spent: Garbage[] = [];
  for (const prefix of [intentsPrefix, condemnedPrefix, probesPrefix])
    for await (const object of sweeper.kept(prefix))
      if (isOlder(object, spentAfter)) spent.push({ ...object, kind: "note" });
  const unfinished: UnfinishedObject[] = [];
  for await (const upload of sweeper.unfinished())
    if (isOlder(upload, spentAfter) && !intended.has(upload.key ?? "")) unfinished.push(upload);
  return { unneeded: candidates.filter(isUnneeded), spent, unfinished, kept, marks };
}
