// The build context: exactly the files that the Dockerfile needs, of one time and with the same rights, whatever theirs were.
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MlshipError } from "../../../../src/errors.ts";
import { contextFiles, writeContext, type ContextParts } from "../../../../src/image/plan/context.ts";
import { exampleLock } from "../lock/example.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-context-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function parts(more: Partial<ContextParts> = {}): ContextParts {
  return {
    dockerfile: "FROM x\n",
    lock: exampleLock(),
    scripts: { assemble: "a", install: "i", loader: "l" },
    server: [{ path: "mlship_server/app.py", from: "/from/app.py" }],
    model: [{ path: "model.joblib", from: "/from/model.joblib" }],
    bundle: "{}\n",
    handler: { path: "handler.py", from: "/from/handler.py" },
    ...more,
  };
}

const paths = (more: Partial<ContextParts> = {}) => contextFiles(parts(more)).map((file) => file.path);

test("holds what the Dockerfile copies and nothing else, sorted", () => {
  expect(paths()).toEqual([
    ".dockerignore",
    "Dockerfile",
    "build/assemble.py",
    "build/install.py",
    "build/loader.py",
    "build/python.txt",
    "build/requirements-amd64.txt",
    "build/requirements-arm64.txt",
    "build/uv.txt",
    "layers/model/app/model/model.joblib",
    "layers/runtime/app/bundle/handler.py",
    "layers/runtime/app/bundle/mlship.json",
    "layers/server/app/server/mlship_server/app.py",
  ]);
  expect(paths({ model: [], handler: null }).filter((file) => /model\/|handler/.test(file))).toEqual([]);
});

test("lets nothing through to a builder but its own folders", () => {
  const [ignore] = contextFiles(parts());
  expect(ignore).toMatchObject({ path: ".dockerignore", text: "*\n!Dockerfile\n!build\n!layers\n" });
});

test("pins uv by its hashes, and every distribution by its own", () => {
  const texts = new Map(contextFiles(parts()).map((file) => [file.path, "text" in file ? file.text : ""]));
  expect(texts.get("build/uv.txt")).toMatch(/^uv==0\.13\.8( --hash=sha256:[0-9a-f]{64})+\n$/);
  expect(texts.get("build/requirements-arm64.txt")).toMatch(/^numpy==2\.1\.0 \\\n {4}--hash=sha256:/);
});

test("a file's name stays as it is below its layer, or is refused", () => {
  const hidden = ["\n", "\u202e", "\u0007"];
  const piece = fc.constantFrom("$(id)", "`", "'", '"', "\\", " ", "-", ...hidden, "é", "🐟", "a");
  const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(name, (file) => {
      let found: string[];
      try {
        found = paths({ model: [{ path: file, from: "/from/x" }] });
      } catch (error) {
        expect(error).toBeInstanceOf(MlshipError);
        expect(error).toMatchObject({ code: "image.unprintable", exit: "usage" });
        expect(hidden.some((one) => file.includes(one))).toBe(true);
        return;
      }
      expect(found).toContain(`layers/model/app/model/${file}`);
      expect(hidden.some((one) => file.includes(one))).toBe(false);
    }),
  );
});

test("is written with one time and the same rights, whoever wrote the model and under whatever umask", async () => {
  const from = path.join(folder, "model.joblib");
  await writeFile(from, "bytes");
  await chmod(from, 0o600);
  await utimes(from, 1_700_000_000, 1_700_000_000);
  const context = path.join(folder, "context");
  const before = process.umask(0o077);
  try {
    await writeContext(context, [
      { path: "Dockerfile", text: "FROM x\n" },
      { path: "layers/model/app/model/model.joblib", from },
    ]);
  } finally {
    process.umask(before);
  }
  expect(await readFile(path.join(context, "layers/model/app/model/model.joblib"), "utf8")).toBe("bytes");
  const entries = await readdir(context, { recursive: true });
  expect(entries).toHaveLength(6);
  for (const entry of ["", ...entries]) {
    const { mtimeMs, mode } = await stat(path.join(context, entry));
    expect([entry, mtimeMs]).toEqual([entry, 0]);
    expect([entry, mode & 0o777]).toEqual([entry, /joblib|file$/.test(entry) ? 0o444 : 0o755]);
  }
});
