// An object store in memory whose writers can be stopped at any write, for tests of the protocols.
import { readFileSync, writeFileSync } from "node:fs";
import type { ObjectStore, Sweeper } from "../../../src/artifacts/ports.ts";
import { digestBytes } from "../../../src/digest.ts";

/** When objects were made that nothing else is said of. */
export const born = new Date("2026-01-01T00:00:00Z");

export class Killed extends Error {}

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>;
  /** When objects were made, where a test says so. */
  readonly times: Map<string, Date>;
  /** Objects that cannot be removed. */
  readonly locked: Set<string>;
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
    times: new Map(),
    locked: new Set(),
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

/**
 * What gc may do to it. An object is as old as its time in `times` says, or made at `born`.
 * @param now the store's clock
 */
export function createMemorySweeper(store: MemoryStore, now: () => Date): Sweeper {
  const { objects } = store;
  return {
    now: () => Promise.resolve(now()),
    async *kept(prefix) {
      for await (const key of store.list(prefix)) {
        yield { key, size: objects.get(key)?.length ?? 0, at: store.times.get(key) ?? born };
      }
    },
    async *unfinished() {},
    async remove(key) {
      await store.pause();
      if (store.locked.has(key)) return "locked";
      objects.delete(key);
      return "removed";
    },
    abandon: () => Promise.resolve(),
  };
}
