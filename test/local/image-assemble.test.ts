// The script that makes a layer of installed distributions: what it leaves out, what it refuses, and that its bytes are settled.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const templates = path.resolve(import.meta.dirname, "../../templates/image");
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-assemble-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A library's header: 64 bits, little-endian, for one processor, without sections. */
function library(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  return header;
}

const amd64 = 62;
const arm64 = 183;
const plain: Record<string, string | Buffer> = {
  "lib/__init__.py": '"""Says."""\nfrom . import used\n',
  "lib/used.py": "A = 1\n",
  "lib/_unused.py": "B = 2\n",
  "lib/fast.cpython-311.so": library(amd64),
  "lib/types.pyi": "A: int\n",
  "lib/tests/test_it.py": "assert True\n",
  "lib-1.0.dist-info/METADATA": "Name: lib\n",
  "lib-1.0.dist-info/RECORD": "differs from run to run\n",
  "bin/lib": "#!/usr/bin/python3\n",
};

/** Installs files, in this order, and assembles them. @returns the folder of the layer */
async function assemble(name: string, files: [string, string | Buffer][], umask = 0o022): Promise<string> {
  const installed = path.join(folder, name, "installed");
  const build = path.join(folder, name, "build");
  const out = path.join(folder, name, "out");
  await mkdir(build, { recursive: true });
  await writeFile(path.join(build, "assemble.py"), await readFile(path.join(templates, "assemble.py")));
  await writeFile(path.join(build, "loader.py"), "import lib\n");
  const before = process.umask(umask);
  try {
    for (const [file, content] of files) {
      await mkdir(path.join(installed, path.dirname(file)), { recursive: true });
      await writeFile(path.join(installed, file), content);
    }
    const env = { ...process.env, PYTHONHASHSEED: "0", TARGETARCH: "amd64", BUILDARCH: "amd64" };
    await run("python3", [path.join(build, "assemble.py"), "environment", installed, out], { env });
  } finally {
    process.umask(before);
  }
  return out;
}

/** Path, rights, time and content of everything in a layer. */
async function contents(out: string): Promise<[string, string, number, string | null][]> {
  const entries = await readdir(out, { recursive: true });
  return await Promise.all(
    entries.toSorted().map(async (entry) => {
      const { mode, mtimeMs } = await stat(path.join(out, entry));
      const bytes = await readFile(path.join(out, entry)).catch(() => null);
      return [entry, mode.toString(8), mtimeMs, bytes?.toString("base64") ?? null];
    }),
  );
}

test("leaves out what serving does not use, and compiles what it imports", async () => {
  const out = await assemble("one", Object.entries(plain));
  const entries = await readdir(path.join(out, "app", "python"), { recursive: true });
  expect(entries.filter((entry) => entry.includes(".")).toSorted()).toEqual([
    "lib-1.0.dist-info",
    "lib-1.0.dist-info/METADATA",
    "lib/__init__.py",
    expect.stringMatching(/^lib\/__pycache__\/__init__\.cpython-\d+\.pyc$/),
    expect.stringMatching(/^lib\/__pycache__\/used\.cpython-\d+\.pyc$/),
    "lib/_unused.py",
    "lib/fast.cpython-311.so",
    "lib/used.py",
  ]);
});

test("makes the same of files in another order, under another umask", async () => {
  const one = await assemble("one", Object.entries(plain));
  const two = await assemble("two", Object.entries(plain).toReversed(), 0o077);
  expect(await contents(two)).toEqual(await contents(one));
  for (const [, mode, time] of await contents(one))
    expect([mode, time]).toEqual([expect.stringMatching(/^(100444|40755)$/), 0]);
});

test("refuses a library for another processor than the image's", async () => {
  const files = { ...plain, "lib/fast.cpython-311.so": library(arm64) };
  await expect(assemble("one", Object.entries(files))).rejects.toMatchObject({
    stderr: expect.stringContaining("fast.cpython-311.so is not compiled for amd64"),
  });
});

test("fails the build when a loader cannot import what it needs", async () => {
  const files = { ...plain, "lib/__init__.py": "from .tests import test_it\n" };
  await expect(assemble("one", Object.entries(files))).rejects.toMatchObject({
    stderr: expect.stringContaining("importing lib failed"),
  });
});

test("shows LightGBM the OpenMP that scikit-learn brings", async () => {
  const openmp = "scikit_learn.libs/libgomp-0a1b.so.1.0.0";
  const without = await assemble("without", [...Object.entries(plain), [openmp, library(amd64)]]);
  expect(await readdir(path.join(without, "app"))).toEqual(["python"]);
  const files: [string, string | Buffer][] = [
    [openmp, library(amd64)],
    ["lightgbm/__init__.py", ""],
  ];
  const shown = path.join(await assemble("with", [...Object.entries(plain), ...files]), "app", "lib");
  expect(await readdir(shown)).toEqual(["libgomp.so.1"]);
  expect(await readlink(path.join(shown, "libgomp.so.1"))).toBe(`../python/${openmp}`);
  expect((await stat(path.join(shown, "libgomp.so.1"))).isFile()).toBe(true);
});
