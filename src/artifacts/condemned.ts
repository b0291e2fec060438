// What mlship gc is about to remove, said before it removes: so long, no publisher relies on it or makes it anew.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import { encode, readDocument } from "./document.ts";
import { startWatch, type Clock } from "./elapsed.ts";
import { condemnedKey, condemnedPrefix } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";

const minute = 60 * 1000;

/** Milliseconds for which gc may ask for removals after it condemned. */
export const removesFor = 5 * minute;

/**
 * Milliseconds after which a publisher takes a condemnation for that of a gc that died. By then
 * every removal has happened or never will: S3 refuses requests that were signed more than 15
 * minutes ago, and clocks that are more than 15 minutes apart.
 */
export const fearedFor = 60 * minute;

/** Milliseconds that a publisher waits: longer than a gc that lives needs. */
const patience = 2 * removesFor;
const pause = 2000;

/** Schema of `mlship.condemned/v1`. */
const condemnedSchema = z.strictObject({
  schema: z.literal("mlship.condemned/v1"),
  /** By the store's clock, ISO 8601. */
  at: z.iso.datetime(),
  keys: z.array(z.string()),
});

/** Condemns objects. @param at by the store's clock. @returns the key of the condemnation */
export async function condemn(store: ObjectStore, at: Date, keys: string[]): Promise<string> {
  const key = condemnedKey(randomUUID());
  await store.create(key, encode({ schema: "mlship.condemned/v1", at: at.toISOString(), keys }));
  return key;
}

/**
 * Waits until none of the keys is condemned.
 * @throws MlshipError `store.sweeping`, exit 6, when that takes longer than a gc that lives needs.
 */
export async function untilSpared(
  store: ObjectStore,
  keys: ReadonlySet<string>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const elapsed = startWatch(clock);
  for (;;) {
    const until = await condemnedUntil(store, keys, clock.now());
    if (until === null) return;
    if (elapsed() > patience) throw sweeping(store, until);
    await clock.sleep(pause, signal);
  }
}

/** When the last condemnation of one of the keys has to be feared no more; null when there is none. */
async function condemnedUntil(
  store: ObjectStore,
  keys: ReadonlySet<string>,
  now: Date,
): Promise<Date | null> {
  let last = 0;
  for await (const key of store.list(condemnedPrefix)) {
    // It may have been withdrawn since it was listed.
    const condemned = await readDocument(store, key, condemnedSchema);
    if (condemned === null || !condemned.keys.some((one) => keys.has(one))) continue;
    last = Math.max(last, Date.parse(condemned.at) + fearedFor);
  }
  return last > now.getTime() ? new Date(last) : null;
}

function sweeping(store: ObjectStore, until: Date): MlshipError {
  return new MlshipError({
    code: "store.sweeping",
    what: `an mlship gc that removes files of this release from ${store.location} does not end`,
    why: "it was killed or cut off; what it asked for may still happen",
    fix: `run the same command again after ${until.toISOString()}`,
    exit: "locked",
  });
}
