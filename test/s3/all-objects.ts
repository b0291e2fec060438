// Takes all objects of a store as they lie, past mlship's own store.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "./ask.ts";
import type { Place } from "./ask.ts";
import type { FakeS3 } from "./fake/server.ts";
import { keysIn } from "./own-bucket.ts";

/** What every key of a store in a bucket begins with. */
const prefix = "team/";

export function objectsInFake(fake: FakeS3, bucket: string): Map<string, Uint8Array> {
  const objects = [...fake.bucket(bucket).objects.values()];
  return new Map(objects.map(({ key, bytes }) => [key.slice(prefix.length), bytes]));
}

export async function objectsOn(place: Place): Promise<Map<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  for (const key of await keysIn(place)) {
    objects.set(key.slice(prefix.length), (await ask(place, { key })).body);
  }
  return objects;
}

export function objectsInFolder(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes(".writing"));
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(folder.length + 1), readFileSync(file)];
    }),
  );
}
