// An object store in memory whose writers can be stopped at any write, for tests of the protocols.
import { readFileSync, writeFileSync } from "node:fs";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { digestBytes } from "../../../src/digest.ts";

export class Killed extends Error {}

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>;
  /** Calls of `create` so far. */
  creates: number;
  /** At this call of `create`: dies before the write, or after it and before the answer. */
  kill: { at: number; when: "before" | "after" } | null;
  /** Runs between the operations of a writer. */
  pause: () => Promise<void>;
}

export function createMemoryStore(): MemoryStore {
  const objects = new Map<string, Uint8Array>();
  const store: MemoryStore = {
    location: "memory",
    objects,
    creates: 0,
    kill: null,
    pause: () => Promise.resolve(),
    async create(key, body) {
      await store.pause();
      store.creates += 1;
      const dies = store.kill?.at === store.creates ? store.kill.when : null;
      if (dies === "before") throw new Killed();
      const bytes = body instanceof Uint8Array ? body : readFileSync(body.file);
      if (!(body instanceof Uint8Array) && body.digest !== digestBytes(bytes))
        throw new Error("source changed");
      const exists = objects.has(key);
      if (!exists) objects.set(key, Uint8Array.from(bytes));
      if (dies === "after") throw new Killed();
      return exists ? "exists" : "created";
    },
    async read(key) {
      await store.pause();
      return objects.get(key) ?? null;
    },
    async download(key, file) {
      await store.pause();
      const bytes = objects.get(key);
      if (bytes !== undefined) writeFileSync(file, bytes);
      return bytes !== undefined;
    },
    async size(key) {
      await store.pause();
      return objects.get(key)?.length ?? null;
    },
    async *list(prefix, after = "") {
      await store.pause();
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    },
  };
  return store;
}
