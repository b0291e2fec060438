// A disk that fills up at any step of a write, injected below the store.
import type * as Files from "node:fs/promises";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFolderStore } from "../../../src/tools/folder-store.ts";

const failing = vi.hoisted(() => ({ step: "", code: "" }));

function fail(step: string): void {
  if (failing.step === step)
    throw Object.assign(new Error(`${failing.code}: ${step}`), { code: failing.code });
}

vi.mock("node:fs/promises", async (original) => {
  const files: typeof Files = await original();
  return {
    ...files,
    mkdir: (...args: Parameters<typeof files.mkdir>) => (fail("mkdir"), files.mkdir(...args)),
    link: (...args: Parameters<typeof files.link>) => (fail("link"), files.link(...args)),
    open: async (...args: Parameters<typeof files.open>) => {
      if (args[1] === "wx") fail("open");
      const handle = await files.open(...args);
      const isWriting = args[1] === "wx";
      return new Proxy(handle, {
        get(target, name) {
          if (isWriting && (name === "writeFile" || name === "sync")) {
            return (...given: [never]) => (fail(name), target[name](...given));
          }
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlship-full-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ["ENOSPC", "store.full"],
  ["EDQUOT", "store.full"],
  ["EROFS", "store.refused"],
  ["EACCES", "store.refused"],
])("a disk that answers %s", (code, expected) => {
  it.each(["mkdir", "open", "writeFile", "sync", "link"])(
    "to %s changes nothing in the store",
    async (step) => {
      const store = createFolderStore(folder, "the store");
      await store.create("a/first", Buffer.from("1"));
      failing.step = step;
      failing.code = code;
      const told = { code: expected, exit: "unavailable", fix: expect.any(String) };
      await expect(store.create("b/second", Buffer.from("2"))).rejects.toMatchObject(told);
      failing.step = "";
      expect([await store.size("a/first"), await store.size("b/second")]).toEqual([1, null]);
      expect(readdirSync(join(folder, ".writing"))).toEqual([]);
      expect(await store.create("b/second", Buffer.from("2"))).toBe("created");
    },
  );
});
