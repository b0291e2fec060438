// Tries out what a store promises: of all who create one object, one is told so, and its bytes stay.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { probeKey } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";

/** Objects that are raced for. One race tells most stores apart; some let a second creator win now and then. */
const races = 3;

/** How many race for each. */
const creators = 16;

/** What was tried, and what came of it. */
export const probeSchema = z.strictObject({
  races: z.int().positive(),
  creators: z.int().positive(),
  /** What the store did wrong, in words; null when one creator won each race. */
  fault: z.string().nullable(),
});

export type Probe = z.infer<typeof probeSchema>;

/**
 * Creates one object, creates it again, and lets many creators race for fresh ones. Leaves a handful of
 * small objects below `probe/`, which `mlship gc` removes.
 * @throws MlshipError `store.*`, exit 5, when the store cannot be written or read.
 */
export async function probeStore(store: ObjectStore): Promise<Probe> {
  const nonce = randomUUID();
  const key = probeKey(nonce, 0);
  const first = bodyOf(nonce, 0);
  let fault: string | null = null;
  if ((await store.create(key, first)) !== "created") fault = "it said that a fresh object was there already";
  else if (!(await holds(store, key, first))) fault = "it gave back other bytes than were stored";
  else if ((await store.create(key, bodyOf(nonce, 1))) !== "exists" || !(await holds(store, key, first)))
    fault = "it replaced an object that was to be created only once";
  for (let race = 1; race <= races && fault === null; race++)
    fault = await raceFor(store, probeKey(nonce, race), nonce);
  return { races, creators, fault };
}

/** What went wrong when all created the object at once; null when one of them did. */
async function raceFor(store: ObjectStore, key: string, nonce: string): Promise<string | null> {
  const bodies = Array.from({ length: creators }, (_, creator) => bodyOf(nonce, creator));
  const outcomes = await Promise.all(bodies.map((body) => store.create(key, body)));
  const winners = bodies.filter((_body, creator) => outcomes[creator] === "created");
  const [winner] = winners;
  if (winner === undefined)
    return `none of ${creators} creators of one object was told that it had created it`;
  if (winners.length > 1)
    return `${winners.length} of ${creators} creators of one object were told that they had`;
  return (await holds(store, key, winner)) ? null : "the object of a race is not that of its winner";
}

function bodyOf(nonce: string, creator: number): Uint8Array {
  return Buffer.from(`${nonce} ${creator}\n`);
}

async function holds(store: ObjectStore, key: string, body: Uint8Array): Promise<boolean> {
  const found = await store.read(key);
  return found !== null && Buffer.compare(found, body) === 0;
}
