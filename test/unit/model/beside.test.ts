// Files beside the model: each is looked at or listed as not looked at, and modules do not slip in.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inspectModel } from "../../../src/model/inspect.ts";
import { scanModel, scanSchema } from "../../../src/model/scan.ts";
import { payload } from "./bypass.ts";
import { fixtures, folderWith } from "./folder.ts";
import { zipOf } from "./messages.ts";
import { pickle, proto } from "./pickles.ts";

const model = readFileSync(fixtures["xgboost-json-binary"] ?? "");
const beside = async (files: Record<string, string | Uint8Array>, trust: string[] = []) =>
  scanModel(folderWith({ "model.json": model, ...files }), { trust });
const evil = pickle(proto(4), payload, ".");

test("data and text are listed as not read", async () => {
  const scan = await beside({
    "README.md": "# Model",
    "sub/table.csv": "a,b\n1,2\n",
    LICENSE: "copyright by us\n",
  });
  expect(scan.verdict).toBe("safe");
  expect(scan.members.map(({ path, verdict }) => [path, verdict])).toEqual([
    ["LICENSE", "not-read"],
    ["README.md", "not-read"],
    ["sub/table.csv", "not-read"],
  ]);
  expect(scanSchema.parse(scan)).toEqual(scan);
});

test.each<[string, Uint8Array]>([
  ["scaler.npz", zipOf([{ name: "a", data: evil }])],
  ["weights.bin", zipOf([{ name: "archive/state", data: zipOf([{ name: "b", data: evil }]) }])],
])("a pickle in %s is found", async (name, content) => {
  const scan = await beside({ [name]: content });
  expect(scan.findings).toMatchObject([{ rule: "unknown-global", global: "posix.system" }]);
  expect(scan.findings[0]?.file.startsWith(`${name}!`)).toBe(true);
  expect(scan.members).toMatchObject([{ path: name, verdict: "refused" }]);
  await expect(
    inspectModel(folderWith({ "model.json": model, [name]: content }), { trust: [] }),
  ).rejects.toMatchObject({
    code: "model.unsafe",
  });
});

test.each<[string, Uint8Array]>([
  ["a.7z", Buffer.from("7z\xBC\xAF\x27\x1C", "latin1")],
  ["a.tar", Buffer.concat([Buffer.alloc(257), Buffer.from("ustar\0"), Buffer.alloc(300)])],
  ["a.zip", zipOf([{ name: "a", data: evil, crc: 1 }])],
])("an archive that is not looked into is refused: %s", async (name, content) => {
  expect((await beside({ [name]: content })).findings).toMatchObject([{ rule: "archive", file: name }]);
});

test("numbers of numpy pass, objects are read as the pickle that they are", async () => {
  const npy = (descr: string, data: Uint8Array): Buffer => {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`.padEnd(117) + "\n";
    return Buffer.concat([Buffer.from("\x93NUMPY\x01\0\x76\0", "latin1"), Buffer.from(header), data]);
  };
  const scan = await beside({
    "a.npy": npy("<f8", Buffer.alloc(8)),
    "b.npz": zipOf([{ name: "x.npy", data: npy("|O", evil) }]),
  });
  expect(scan.members.map(({ kind, verdict }) => [kind, verdict])).toEqual([
    ["a numpy array", "safe"],
    ["a zip archive", "refused"],
  ]);
  expect(scan.findings).toMatchObject([{ global: "posix.system", file: "b.npz!x.npy" }]);
});

test("weights of PyTorch and an estimator's pickle pass beside a model that is left to its handler", async () => {
  const joblib = readFileSync(fixtures["sklearn-joblib-binary"] ?? "");
  const folder = folderWith({
    "model.json": model,
    "a.joblib": joblib,
    "handler.py": "def load(folder): ...",
  });
  const scan = await scanModel(folder, { trust: [], format: "python", handler: true });
  expect(scan.members.map(({ path, verdict }) => [path, verdict])).toEqual([
    ["a.joblib", "safe"],
    ["handler.py", "not-read"],
    ["model.json", "not-read"],
  ]);
  expect(scan.verdict).toBe("safe");
});

test("a single file that is left to its handler is looked at, too", async () => {
  const folder = folderWith({ "m.pkl": evil });
  const scan = await scanModel(`${folder}/m.pkl`, { trust: [], format: "python", handler: true });
  expect(scan.findings).toMatchObject([{ global: "posix.system" }]);
});

test.each([
  "joblib.py",
  "numpy/__init__.py",
  "lz4.cpython-311-x86_64-linux-gnu.so",
  "google/protobuf/descriptor.py",
  "a.pyc",
])("the module %s would run when something imports it, and is refused", async (name) => {
  const [top = ""] = name.split(/[/.]/);
  expect((await beside({ [name]: "VALUE = 1" })).findings).toMatchObject([
    { rule: "module", global: top, file: name },
  ]);
  expect((await beside({ [name]: "VALUE = 1" }, [`${top}.Class`])).verdict).toBe("safe");
  expect((await beside({ [name]: "VALUE = 1" }, [`${top}x.Class`])).verdict).toBe("refused");
  const folder = folderWith({ "model.json": model, [name]: "VALUE = 1" });
  expect((await scanModel(folder, { trust: [], handler: true })).verdict).toBe("safe");
});
