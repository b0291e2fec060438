// What building and pushing costs, and what travels: `node test/bench/image/run.ts [rounds]`. Needs the testbed (npm run testbed).
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { root, serverEnvironment } from "../../../scripts/server-environment.ts";
import type { PushDocument } from "../../../src/commands/push.ts";
import type { BuiltImage } from "../../../src/image/built.ts";
import { freePort, Project } from "../../e2e/project.ts";
import useTestbed from "../../e2e/setup.ts";
import { openBuilder, sizeOf, type Builder } from "./builder.ts";

const rounds = Number(process.argv[2] ?? 3);
const cancer = path.join(root, "fixtures", "breast-cancer");
const base = "127.0.0.1:5000/library/python:3.11-slim";
const repository = `127.0.0.1:5000/bench/${process.pid}`;
const handler = (note: string) => `# ${note}\ndef postprocess(outputs, columns):\n    return outputs\n`;

async function main(): Promise<void> {
  useTestbed();
  const folder = await mkdtemp(path.join(tmpdir(), "mlship-bench-image-"));
  const builder = await openBuilder(folder);
  process.env["BUILDX_BUILDER"] = builder.name;
  try {
    await trainForests(folder);
    const project = await openForest(folder);
    await whatTravels(project, folder);
    await sizesOfFormats(folder);
    await coldBuilds(project, builder, folder);
  } finally {
    await builder.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function trainForests(folder: string): Promise<void> {
  const python = await serverEnvironment([path.join(cancer, "requirements.txt")]);
  const script = path.join(import.meta.dirname, "train.py");
  const trained = spawnSync(python, [script, path.join(cancer, "test_data.csv"), folder], {
    encoding: "utf8",
  });
  if (trained.status !== 0) throw new Error(`the forests could not be trained:\n${trained.stderr}`);
}

async function openForest(folder: string): Promise<Project> {
  const project = await makeProject(path.join(folder, "project"));
  await copyFile(path.join(cancer, "test_data.csv"), project.file("test_data.csv"));
  await change(project, "1.0.0", path.join(folder, "forest-1.joblib"), "first");
  return project;
}

async function makeProject(folder: string): Promise<Project> {
  await mkdir(folder);
  return new Project(folder, await freePort(), {});
}

/** A version of the project: its model, its handler, and mlship.yaml that names both. */
async function change(project: Project, version: string, model: string, note: string): Promise<void> {
  await copyFile(model, project.file("model.joblib"));
  await project.handle(handler(note));
  await project.write(version, { model: { handler: "handler.py" }, image: { repository, base } });
  await project.mlship(["lock"]);
}

interface Shipped {
  image: BuiltImage;
  pushed: PushDocument;
  /** Seconds of `mlship build && mlship push`. */
  seconds: number;
}

async function ship(project: Project): Promise<Shipped> {
  const begun = performance.now();
  const image = await project.json<BuiltImage>(["build"]);
  const pushed = await project.json<PushDocument>(["push"]);
  return { image, pushed, seconds: (performance.now() - begun) / 1000 };
}

/** Layers by name: their digest and size. */
const layersOf = ({ image }: Shipped) => image.images[0]?.layers ?? [];
const layerOf = (shipped: Shipped, name: string) => layersOf(shipped).find((layer) => layer.name === name);

function tell(what: string, before: Shipped | null, after: Shipped): void {
  const known = new Set(before === null ? [] : layersOf(before).map(({ digest }) => digest));
  const fresh = layersOf(after).filter(({ digest, name }) => !known.has(digest) && name !== "base");
  console.log(
    `${what.padEnd(18)} ${after.seconds.toFixed(1).padStart(6)} s   ${String(after.pushed.bytes).padStart(10)} bytes pushed   new layers: ${fresh.map(({ name, size }) => `${name} (${size})`).join(", ") || "none"}`,
  );
}

async function whatTravels(project: Project, folder: string): Promise<void> {
  const first = await ship(project);
  tell("first", null, first);
  for (let round = 1; round <= rounds; round++) tell("unchanged", first, await ship(project));
  await change(project, "1.0.1", path.join(folder, "forest-1.joblib"), "second");
  const handled = await ship(project);
  tell("changed handler", first, handled);
  if (layerOf(handled, "model")?.digest !== layerOf(first, "model")?.digest)
    throw new Error("a changed handler made another model layer");
  await change(project, "1.1.0", path.join(folder, "forest-2.joblib"), "second");
  const remodelled = await ship(project);
  tell("changed model", handled, remodelled);
  if (layerOf(remodelled, "environment")?.digest !== layerOf(first, "environment")?.digest)
    throw new Error("a changed model made another environment layer");
}

/** Builder caches are emptied before each; the three ways take turns. */
async function coldBuilds(project: Project, builder: Builder, folder: string): Promise<void> {
  await project.mlship(["generate"]);
  const context = project.file("deploy", "image");
  const lock = JSON.parse(await readFile(project.file("mlship.lock"), "utf8"));
  const peer = ["--file", path.join(import.meta.dirname, "handwritten.Dockerfile")];
  const args = [
    "--build-arg",
    `BASE=${lock.base.reference}@${lock.base.digest}`,
    "--build-arg",
    `UV=${lock.builder.uv.version}`,
  ];
  const seconds = {
    "hand-written": [] as number[],
    generated: [] as number[],
    "mlship build": [] as number[],
  };
  const sizes: Record<string, number> = {};
  for (let round = 1; round <= rounds; round++) {
    await builder.empty();
    const handwritten = path.join(folder, `handwritten-${round}`);
    seconds["hand-written"].push(await builder.build(context, handwritten, [...peer, ...args]));
    await builder.empty();
    const generated = path.join(folder, `generated-${round}`);
    seconds.generated.push(await builder.build(context, generated));
    await builder.empty();
    await rm(project.file(".mlship", "images"), { recursive: true, force: true });
    const begun = performance.now();
    const image = await project.json<BuiltImage>(["build"]);
    seconds["mlship build"].push((performance.now() - begun) / 1000);
    sizes["base"] = (image.images[0]?.layers ?? [])
      .filter(({ name }) => name === "base")
      .reduce((sum, { size }) => sum + size, 0);
    sizes["hand-written"] = await sizeOf(handwritten);
    sizes["generated"] = await sizeOf(generated);
    for (const made of [handwritten, generated]) await rm(made, { recursive: true });
  }
  console.log(`\ncold builds, medians of ${rounds}`);
  const peerSeconds = median(seconds["hand-written"]);
  const aboveBase = (name: string) => (sizes[name] ?? Number.NaN) - (sizes["base"] ?? Number.NaN);
  for (const [name, values] of Object.entries(seconds)) {
    const each = values.map((value) => value.toFixed(1)).join(" ");
    console.log(
      `${name.padEnd(14)} ${median(values).toFixed(1).padStart(6)} s  ×${(median(values) / peerSeconds).toFixed(2)}  (${each})`,
    );
  }
  for (const name of ["hand-written", "generated"])
    console.log(
      `${name.padEnd(14)} ${megabytes(aboveBase(name))} above the base, compressed  ×${(aboveBase(name) / aboveBase("hand-written")).toFixed(2)}`,
    );
}

async function sizesOfFormats(folder: string): Promise<void> {
  console.log("\ncompressed size above the base");
  for (const [name, model] of Object.entries({
    "onnx-multiclass": "model.onnx",
    "sklearn-joblib-multiclass": "model.joblib",
    "xgboost-json-binary": "model.json",
    "lightgbm-binary": "model.txt",
  })) {
    const project = await makeProject(path.join(folder, name));
    await project.take(name);
    await writeFile(
      project.file("mlship.yaml"),
      JSON.stringify({
        name: "format",
        version: "1.0.0",
        model: { path: model },
        validate: { data: "data.csv", gates: { accuracy: { min: 0.5 } } },
        image: { repository, base },
      }),
    );
    const image = await project.json<BuiltImage>(["build"]);
    const own = (image.images[0]?.layers ?? []).filter((layer) => layer.name !== "base");
    const total = own.reduce((sum, { size }) => sum + size, 0);
    const parts = own.map((layer) => `${layer.name} ${megabytes(layer.size)}`).join(", ");
    console.log(`${name.padEnd(26)} ${megabytes(total)}  (${parts})`);
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

await main();
