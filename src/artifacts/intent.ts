// What a publisher relies on, said before it looks: so long, mlship gc leaves it alone.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { untilSpared } from "./condemned.ts";
import { encode, readDocument } from "./document.ts";
import { startWatch, type Clock } from "./elapsed.ts";
import { blobKey, intentKey, intentsPrefix, releaseKey } from "./layout.ts";
import type { ObjectStore, Sweeper } from "./ports.ts";
import { blobsOf, digestSchema, type Release } from "./release.ts";

const hour = 3600 * 1000;

/** Milliseconds for which a publisher may rely on its intent. */
export const reliedOnFor = 12 * hour;

/** Milliseconds for which gc honours one, by the store's clock: twice as long, so that no clock's drift matters. */
export const honouredFor = 24 * hour;

/** Schema of `mlship.intent/v1`. */
const intentSchema = z.strictObject({
  schema: z.literal("mlship.intent/v1"),
  release: digestSchema,
  blobs: z.array(digestSchema),
});

/** A declared intent. */
export interface Intent {
  /** Whether what was looked at since can still be relied on; else it must be declared and looked at anew. */
  holds(): boolean;
}

/**
 * Says that everything of a release is needed, then waits until nothing of it is being removed. What
 * is found in the store afterwards stays there while the intent holds.
 * @throws MlshipError `store.sweeping`, exit 6, when a gc does not end.
 */
export async function declareIntent(
  store: ObjectStore,
  release: Release,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Intent> {
  const elapsed = startWatch(clock);
  const blobs = blobsOf(release).map(({ sha256 }) => sha256);
  const intent = { schema: "mlship.intent/v1", release: release.digest, blobs };
  await store.create(intentKey(randomUUID()), encode(intent));
  await untilSpared(store, new Set([releaseKey(release.digest), ...blobs.map(blobKey)]), clock, signal);
  return { holds: () => elapsed() < reliedOnFor };
}

/** The keys that publishers rely on now. */
export async function readIntents(store: ObjectStore, sweeper: Sweeper): Promise<Set<string>> {
  const now = (await sweeper.now()).getTime();
  const keys = new Set<string>();
  for await (const { key, at } of sweeper.kept(intentsPrefix)) {
    if (now - at.getTime() >= honouredFor) continue;
    const intent = await readDocument(store, key, intentSchema);
    if (intent === null) continue;
    keys.add(releaseKey(intent.release));
    for (const blob of intent.blobs) keys.add(blobKey(blob));
  }
  return keys;
}
