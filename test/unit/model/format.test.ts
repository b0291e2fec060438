// What is told of files that are no model, or are damaged: one clear error each.
import { mkdirSync, statSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { detectFormat } from "../../../src/model/open.ts";
import { digestFiles } from "../../../src/model/files.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { fileWith, fixtures, folderWith } from "./folder.ts";
import { zipOf } from "./messages.ts";
import { pickle, proto } from "./pickles.ts";

const zip = (...names: string[]) => zipOf(names.map((name) => ({ name, data: Buffer.from("x") })));

describe("files that are no model", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["a zip named .joblib", zip("a.txt"), "is a zip archive"],
    [
      "a PyTorch file of old",
      Buffer.from("80028a0a6cfc9c46f9206aa850192e8002", "hex"),
      "a PyTorch file of the time before 1.6",
    ],
    ["numpy arrays", zip("a.npy", "b.npy"), "numpy arrays"],
    ["a damaged zip", zip("a.txt").subarray(0, 40), "damaged zip"],
    ["a numpy array", Buffer.from("\x93NUMPY\x01\0", "latin1"), "numpy array"],
    ["a CSV table", "country,age\nDE,3\n", "a text file"],
    ["a CSV table of one column", "country\nDE\nFR\n", "a text file"],
    ["a CSV table that begins as INST", "id,x\nis,y\n", "a text file"],
    ["other JSON", '{"a": 1}', "a text file"],
    ["PMML", '<?xml version="1.0"?><PMML/>', "PMML"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"],
    ["something compressed", gzipSync("hello"), "holds no pickle"],
    ["noise", brotliCompressSync("hello"), "does not know"],
  ])("%s", async (_name, content, words) => {
    const error = detectFormat(fileWith("model.joblib", content));
    await expect(error).rejects.toMatchObject({
      code: "model.unknown-format",
      exit: "usage",
      message: expect.stringContaining(words),
      why: expect.stringContaining("ONNX, scikit-learn"),
    });
  });

  test.each<[string, Uint8Array]>([
    ["bzip2", Buffer.from("BZh91AY")],
    ["xz", Buffer.from("\xfd7zXZ\0", "latin1")],
    ["lzma", Buffer.from("\x5d\0\0\x80\0", "latin1")],
    ["lz4", Buffer.from("\x04\x22\x4d\x18", "latin1")],
  ])("a pickle compressed with %s says how to save it again", async (name, content) => {
    const error = detectFormat(fileWith("model.joblib", content));
    await expect(error).rejects.toMatchObject({
      code: "model.compression",
      message: expect.stringContaining(name),
      fix: expect.stringContaining("compress=0"),
    });
  });

  test("nothing, an empty file, an empty folder, a folder of empty files", async () => {
    await expect(detectFormat("/nowhere/model.joblib")).rejects.toMatchObject({
      code: "model.not-found",
      exit: "usage",
    });
    await expect(detectFormat(fileWith("m", ""))).rejects.toMatchObject({
      code: "model.empty",
      exit: "usage",
    });
    await expect(detectFormat(folderWith({}))).rejects.toMatchObject({ code: "model.empty" });
    await expect(detectFormat(folderWith({ a: "" }))).rejects.toMatchObject({ code: "model.empty" });
  });

  test("a folder with no model, and one with two", async () => {
    await expect(detectFormat(folderWith({ a: "x", b: "y" }))).rejects.toMatchObject({
      code: "model.unknown-format",
    });
    const one = await readFile(fixtures["onnx-regression"] ?? "");
    await expect(detectFormat(folderWith({ a: one, b: one }))).rejects.toMatchObject({
      code: "model.ambiguous",
    });
  });
});

/** Models of one file that is read; those that are folders, or a handler's own, are none. */
const single = Object.entries(fixtures).filter(
  ([name, path]) => statSync(path).isFile() && !name.startsWith("python-"),
);

describe("models that are cut short are damaged, not unknown", () => {
  test.each(single)("%s", async (_name, path) => {
    const whole = await readFile(path);
    // Text dictionaries of CatBoost follow the trees, and only CatBoost can read those.
    const needed = whole.toString("latin1", 0, 4) === "CBM1" ? 8 + whole.readUInt32LE(4) : whole.length;
    const error = inspectModel(fileWith("m", whole.subarray(0, Math.floor(needed * 0.7))), { trust: [] });
    await expect(error).rejects.toMatchObject({ code: "model.damaged", exit: "usage" });
  });

  test("something behind the compressed data", async () => {
    const bytes = Buffer.concat([deflateSync(pickle(proto(4), "N.")), deflateSync(pickle(proto(4), "N."))]);
    await expect(inspectModel(fileWith("m", bytes), { trust: [] })).rejects.toMatchObject({ exit: "usage" });
  });
});

describe("digests", () => {
  test("depend on names and content, not on where the folder lies or how it was made", async () => {
    const one = await digestFiles(folderWith({ "b/c.txt": "2", "a.txt": "1" }));
    const two = await digestFiles(folderWith({ "a.txt": "1", "b/c.txt": "2" }));
    expect(one).toEqual(two);
    expect(one.files.map(({ path }) => path)).toEqual(["a.txt", "b/c.txt"]);
    expect(one.size).toBe(2);
    expect((await digestFiles(folderWith({ "a.txt": "1", "b/d.txt": "2" }))).digest).not.toBe(one.digest);
    expect((await digestFiles(folderWith({ "a.txt": "1", "b/c.txt": "3" }))).digest).not.toBe(one.digest);
  });

  test("of a single file carry its own name", async () => {
    const { files } = await digestFiles(fileWith("m.bin", "abc"));
    expect(files).toEqual([
      {
        path: "m.bin",
        size: 3,
        sha256: "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      },
    ]);
  });

  test("follow links inside the folder, and refuse those that leave it", async () => {
    const folder = folderWith({ "a.txt": "1" });
    symlinkSync(join(folder, "a.txt"), join(folder, "b.txt"));
    expect((await digestFiles(folder)).files).toHaveLength(2);
    for (const target of ["/etc/hostname", "/nowhere", "."]) {
      const other = folderWith({ "a.txt": "1" });
      symlinkSync(target, join(other, "link"));
      await expect(digestFiles(other)).rejects.toMatchObject({ code: "model.link", exit: "usage" });
    }
  });

  test("hold odd names apart", async () => {
    const folder = folderWith({ __proto__x: "1", "a b\n": "2", constructor: "3" });
    mkdirSync(join(folder, "empty"));
    expect((await digestFiles(folder)).files.map(({ path }) => path)).toEqual([
      "__proto__x",
      "a b\n",
      "constructor",
    ]);
  });
});
