// What every store must do, whatever it stands on: one suite for folders and for all S3 servers.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { digestBytes } from "../../src/digest.ts";

/** A place where stores can be opened; each call is another writer. */
export interface Subject {
  open(): Promise<ObjectStore>;
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** Around the size from which objects are sent in parts, and in several of them. */
const lengths = [0, 1, 8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 17 * mebibyte + 3];
const badKeys = [
  "",
  "/a",
  "a/",
  "a//b",
  "../a",
  "a/./b",
  "a/../b",
  ".a",
  "a/.b",
  "a b",
  "a\0",
  "a\\b",
  "é",
  "a%2fb",
];

export function describeStore(title: string, begin: () => Promise<Subject>): void {
  describe(`${title}:`, () => {
    let subject: Subject;
    let store: ObjectStore;
    let scratch: string;

    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "mlship-conformance-"));
      subject = await begin();
      store = await subject.open();
    });

    afterAll(async () => {
      await subject.close();
      rmSync(scratch, { recursive: true, force: true });
    });

    /** A prefix that no other test has. */
    const fresh = () => `t${randomUUID()}/`;

    async function keys(prefix: string, after?: string): Promise<string[]> {
      const found: string[] = [];
      for await (const key of store.list(prefix, after)) found.push(key);
      return found;
    }

    function fileOf(bytes: Uint8Array) {
      const file = join(scratch, randomUUID());
      writeFileSync(file, bytes);
      return { file, size: bytes.length, digest: digestBytes(bytes) };
    }

    it("creates an object once, and keeps the first", async () => {
      const key = `${fresh()}a/b+c.json`;
      expect(await store.create(key, Buffer.from("first"))).toBe("created");
      expect(await store.create(key, Buffer.from("second"))).toBe("exists");
      expect(await (await subject.open()).create(key, Buffer.from("third"))).toBe("exists");
      expect(Buffer.from((await store.read(key)) ?? []).toString()).toBe("first");
    });

    it("knows no object where there is none", async () => {
      const prefix = fresh();
      const file = join(scratch, randomUUID());
      const found = [await store.read(`${prefix}a`), await store.size(`${prefix}a`), await keys(prefix)];
      expect(found).toEqual([null, null, []]);
      expect(await store.download(`${prefix}a`, file)).toBe(false);
      await store.create(`${prefix}a/b`, Buffer.from("1"));
      expect([await store.read(`${prefix}a`), await store.size(`${prefix}a`)]).toEqual([null, null]);
    });

    it.each(lengths)("keeps %i bytes of a file, and tells them all", async (length) => {
      const bytes = randomBytes(length);
      const body = fileOf(bytes);
      const key = `${fresh()}${body.digest.slice(7)}`;
      let [sent, received] = [0, 0];
      expect(await store.create(key, body, (more) => (sent += more))).toBe("created");
      expect(await store.create(key, body)).toBe("exists");
      expect(await store.size(key)).toBe(length);
      const copy = join(scratch, randomUUID());
      expect(await store.download(key, copy, (more) => (received += more))).toBe(true);
      expect(digestBytes(readFileSync(copy))).toBe(body.digest);
      expect([sent, received]).toEqual([length, length]);
    });

    it("lets exactly one of 20 creators win, and keeps what it wrote", async () => {
      const prefix = fresh();
      const writers = await Promise.all(Array.from({ length: 20 }, () => subject.open()));
      for (let race = 0; race < 5; race += 1) {
        const key = `${prefix}${race}`;
        const outcomes = await Promise.all(
          writers.map((writer, index) => writer.create(key, Buffer.from(`writer ${index}`))),
        );
        const winners = outcomes.flatMap((outcome, index) => (outcome === "created" ? [index] : []));
        expect(winners).toHaveLength(1);
        expect(Buffer.from((await store.read(key)) ?? []).toString()).toBe(`writer ${winners[0]}`);
      }
    });

    it("lists by prefix, in the order of code units, behind a key", async () => {
      // No part of one depth is the name of a folder of another.
      const part = fc.constantFrom("a", "B", "a.b", "a-b", "b", "1.10.0", "1.9.0", "z_", "0+1");
      const names = fc.uniqueArray(
        fc.tuple(part, part).map((parts) => parts.join("/")),
        {
          minLength: 1,
          maxLength: 8,
        },
      );
      const at = fc.nat({ max: 7 });
      await fc.assert(
        fc.asyncProperty(names, at, at, async (written, which, cut) => {
          const prefix = fresh();
          await Promise.all(written.map((key) => store.create(`${prefix}${key}`, Buffer.from(key))));
          const all = written.map((key) => `${prefix}${key}`).sort();
          expect(await keys(prefix)).toEqual(all);
          const after = all[which % all.length] ?? "";
          expect(await keys(prefix, after)).toEqual(all.filter((key) => key > after));
          const start = after.slice(0, prefix.length + cut);
          expect(await keys(start)).toEqual(all.filter((key) => key.startsWith(start)));
        }),
        { numRuns: 12 },
      );
    });

    it("sees a new object at once, whoever created it", async () => {
      const prefix = fresh();
      const other = await subject.open();
      for (let index = 0; index < 10; index += 1) {
        await other.create(`${prefix}${index}`, Buffer.from("1"));
        expect(await keys(prefix)).toHaveLength(index + 1);
      }
    });

    it.each(badKeys)("refuses the key %j", async (key) => {
      const code = "store.bad-key";
      await expect(store.create(key, Buffer.from("1"))).rejects.toMatchObject({ code });
      await expect(store.read(key)).rejects.toMatchObject({ code });
      await expect(store.size(key)).rejects.toMatchObject({ code });
      await expect(store.download(key, join(scratch, "x"))).rejects.toMatchObject({ code });
    });

    it.each([100, 17 * mebibyte])("creates nothing of a file of %i bytes that changed", async (length) => {
      const prefix = fresh();
      const changed = fileOf(randomBytes(length));
      writeFileSync(changed.file, randomBytes(length));
      const code = "store.source-changed";
      await expect(store.create(`${prefix}a`, changed)).rejects.toMatchObject({ code, exit: "usage" });
      const shorter = fileOf(randomBytes(length));
      truncateSync(shorter.file, length - 50);
      await expect(store.create(`${prefix}b`, shorter)).rejects.toMatchObject({ code });
      const longer = fileOf(randomBytes(length));
      writeFileSync(longer.file, randomBytes(1), { flag: "a" });
      await expect(store.create(`${prefix}c`, longer)).rejects.toMatchObject({ code });
      expect(await keys(prefix)).toEqual([]);
    });
  });
}
