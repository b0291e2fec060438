import { execFile, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { digestBytes } from "../../src/digest.ts";
import { createFolderStore } from "../../src/tools/folder-store.ts";

const writer = join(import.meta.dirname, "store-writer.ts");
let scratch: string;
let folder: string;
let store: ObjectStore;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-store-"));
  folder = join(scratch, "project", ".mlship", "store");
  store = createFolderStore(folder, "./.mlship/store");
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();
const writing = (): string[] => readdirSync(join(folder, ".writing"));

async function keys(prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list(prefix)) found.push(key);
  return found;
}

describe("a folder store", () => {
  it("creates an object once and gives it back", async () => {
    expect(await store.create("a/b/c.json", Buffer.from("first"))).toBe("created");
    expect(await store.create("a/b/c.json", Buffer.from("second"))).toBe("exists");
    expect(text(await store.read("a/b/c.json"))).toBe("first");
    expect(await store.size("a/b/c.json")).toBe(5);
    const file = join(scratch, "copy");
    expect(await store.download("a/b/c.json", file)).toBe(true);
    writeFileSync(file, "the copy is the reader's own");
    expect(text(await store.read("a/b/c.json"))).toBe("first");
    expect(writing()).toEqual([]);
  });

  it("knows no object where there is none, or where there is a folder", async () => {
    expect([
      await store.read("a"),
      await store.size("a"),
      await store.download("a", join(scratch, "x")),
      await keys(),
    ]).toEqual([null, null, false, []]);
    await store.create("a/b", Buffer.from("1"));
    expect([await store.read("a"), await store.size("a")]).toEqual([null, null]);
    expect(await store.read("a/b/c")).toBe(null);
  });

  it("lists keys by prefix in the order of their code units, and nothing else", async () => {
    for (const key of ["m/v/1.10.0.json", "m/v/1.9.0.json", "m/v-2/x", "m/v.json", "n/x", "m/v/B"]) {
      await store.create(key, Buffer.from(key));
    }
    writeFileSync(join(folder, ".writing", "abandoned"), "half an obj");
    writeFileSync(join(folder, "m", ".hidden"), "");
    expect(await keys("m/v/")).toEqual(["m/v/1.10.0.json", "m/v/1.9.0.json", "m/v/B"]);
    expect(await keys("m/v")).toEqual(["m/v-2/x", "m/v.json", "m/v/1.10.0.json", "m/v/1.9.0.json", "m/v/B"]);
    expect(await keys()).toHaveLength(6);
  });

  it("takes no key that could leave it or be mistaken", async () => {
    const part = fc.constantFrom("..", ".", "", ".writing", "a", "b\0", "c\\d", "é", "~", "a b", "\n");
    const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(key, async (name) => {
        fc.pre(!/^a(\/a)*$/.test(name));
        await expect(store.create(name, Buffer.from("x"))).rejects.toMatchObject({ code: "store.bad-key" });
        await expect(store.read(name)).rejects.toMatchObject({ code: "store.bad-key" });
      }),
    );
    expect(readdirSync(scratch)).toEqual([]);
  });

  it("follows no symbolic link inside it", async () => {
    const outside = join(scratch, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "secret");
    await store.create("a/b", Buffer.from("1"));
    symlinkSync(outside, join(folder, "linked"));
    symlinkSync(join(outside, "secret"), join(folder, "a", "secret"));
    for (const act of [
      () => store.create("linked/new", Buffer.from("x")),
      () => store.create("linked/deep/new", Buffer.from("x")),
      () => store.read("linked/secret"),
      () => store.read("a/secret"),
      () => store.download("linked/secret", join(scratch, "x")),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: "store.not-a-file", exit: "attention" });
    }
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(await keys()).toEqual(["a/b"]);
  });

  it("may itself be behind a symbolic link", async () => {
    mkdirSync(join(scratch, "disk"));
    symlinkSync(join(scratch, "disk"), join(scratch, "linked"));
    const linked = createFolderStore(join(scratch, "linked"), "linked");
    await linked.create("a/b", Buffer.from("1"));
    expect(text(await linked.read("a/b"))).toBe("1");
  });

  it("stores a file only while it has the digest of its name", async () => {
    const file = join(scratch, "model.bin");
    writeFileSync(file, Buffer.alloc(3_000_000, "model"));
    const digest = digestBytes(readFileSync(file));
    expect(await store.create("good", { file, size: 3_000_000, digest })).toBe("created");
    expect(digestBytes((await store.read("good"))!)).toBe(digest);
    writeFileSync(file, "trained again");
    await expect(store.create("bad", { file, size: 3_000_000, digest })).rejects.toMatchObject({
      code: "store.source-changed",
    });
    expect(await keys()).toEqual(["good"]);
    expect(writing()).toEqual([]);
  });

  it("removes what killed writers left a day ago, and no younger one", async () => {
    mkdirSync(join(folder, ".writing"), { recursive: true });
    for (const name of ["old", "young"]) writeFileSync(join(folder, ".writing", name), "half");
    const dayBefore = Date.now() / 1000 - 25 * 60 * 60;
    utimesSync(join(folder, ".writing", "old"), dayBefore, dayBefore);
    await store.create("a", Buffer.from("1"));
    expect(writing()).toEqual(["young"]);
  });

  it("says so when its folder is a file, and changes nothing", async () => {
    const file = join(scratch, "file");
    writeFileSync(file, "mine");
    for (const path of [file, join(file, "store")]) {
      const refused = createFolderStore(path, "file").create("a", Buffer.from("1"));
      await expect(refused).rejects.toMatchObject({ code: "store.refused", exit: "unavailable" });
    }
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("says so when it may not be written", async () => {
    await store.create("a", Buffer.from("1"));
    chmodSync(join(folder, ".writing"), 0o500);
    // Permissions do not bind root, so root becomes nobody for the one call.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) {
      chmodSync(scratch, 0o755);
      process.seteuid?.(65_534);
    }
    try {
      await expect(store.create("b", Buffer.from("1"))).rejects.toMatchObject({ code: "store.refused" });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe("a folder store and other processes", () => {
  it("lets exactly one of 16 writers create each object", async () => {
    const run = promisify(execFile);
    const writers = Array.from({ length: 16 }, (_, index) => `writer-${index}`);
    const outputs = await Promise.all(
      writers.map((name) => run(process.execPath, [writer, folder, "race", name])),
    );
    const claims = outputs.map(({ stdout }) => JSON.parse(stdout) as number[]);
    expect(claims.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, key) => key));
    for (const [index, created] of claims.entries()) {
      for (const key of created) expect(text(await store.read(`race/${key}`))).toBe(writers[index]);
    }
    expect(writing()).toEqual([]);
  });

  it("holds only whole objects after writers were killed anywhere", async () => {
    for (const delay of [0, 5, 11, 17, 26]) {
      const child = spawn(process.execPath, [writer, folder, "forever"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await wait(delay);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    for (const key of await keys()) {
      const bytes = await store.read(key);
      expect(`blobs/${createHash("sha256").update(bytes!).digest("hex")}`).toBe(key);
    }
    expect(await store.create("after", Buffer.from("1"))).toBe("created");
  });
});

/** Whether this process may mount a small file system of its own. */
function mountSmall(at: string): boolean {
  try {
    mkdirSync(at, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

it("leaves nothing behind on a disk that is full, and goes on when there is room", async ({ skip }) => {
  if (!mountSmall(folder))
    skip("this user may not mount a file system; test/unit/tools has the same case by injection");
  try {
    await store.create("small", Buffer.from("1"));
    const big = join(scratch, "big");
    const bytes = Buffer.alloc(1_000_000);
    writeFileSync(big, bytes);
    for (const body of [bytes, { file: big, size: bytes.length, digest: digestBytes(bytes) }]) {
      await expect(store.create("big", body)).rejects.toMatchObject({
        code: "store.full",
        exit: "unavailable",
        what: "the store ./.mlship/store is full",
      });
    }
    expect(writing()).toEqual([]);
    expect(await keys()).toEqual(["small"]);
    expect(await store.create("fits", Buffer.alloc(100_000))).toBe("created");
    expect(lstatSync(join(folder, "fits")).size).toBe(100_000);
  } finally {
    execFileSync("umount", [folder]);
  }
});
