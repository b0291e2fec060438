// One lock and one build for two processors: an index, wheels of the right processor, and sources where they are allowed.
import { open, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { imageFor, ownLayers, unpack } from "./layers.ts";
import { openProject, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim-multi`;
/** e_machine of ELF. */
const machines = { "linux/amd64": 62, "linux/arm64": 183 } as const;
let project: Project;

beforeEach(async () => {
  project = await openProject();
  await project.take("onnx-multiclass");
  // A pure Python distribution of which there is no wheel.
  await writeFile(project.file("requirements.txt"), "docopt==0.6.2\n");
  const document = {
    name: "iris",
    version: "1.0.0",
    model: { path: "model.onnx" },
    validate: { data: "data.csv", gates: { accuracy: { min: 0.5 } } },
    python: { requirements: "requirements.txt", allowSource: ["docopt"] },
    image: { base, platforms: ["linux/amd64", "linux/arm64"] },
  };
  await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
});

afterEach(() => project.close());

/** Processors that the compiled files below a folder are for. */
async function processors(folder: string): Promise<Set<number>> {
  const found = new Set<number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.includes(".so")) continue;
    const file = await open(path.join(entry.parentPath, entry.name));
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20);
    await file.close();
    if (buffer.readUInt32BE() === 0x7f454c46) found.add(buffer.readUInt16LE(18));
  }
  return found;
}

test("an index with an image for each processor, tried out where it runs", { timeout: 600_000 }, async () => {
  await project.mlship(["lock"]);
  const built = await project.json<BuiltImage>(["build"]);
  expect(built.images).toMatchObject([
    { platform: "linux/amd64", selfTest: { parity: { flips: 0 } } },
    { platform: "linux/arm64", selfTest: null },
  ]);
  const layout = project.file(".mlship/images", built.plan.slice("sha256:".length, 23), "layout");
  const shared: string[][] = [];
  for (const platform of ["linux/amd64", "linux/arm64"] as const) {
    const [environment, ...others] = ownLayers(await imageFor(layout, platform));
    shared.push(others.map(({ digest }) => digest));
    expect(environment?.size).toBeLessThanOrEqual(45_000_000);
    const folder = project.file("unpacked", platform);
    const unpacked = await unpack(layout, environment?.digest ?? "", folder);
    expect(await processors(unpacked)).toEqual(new Set([machines[platform]]));
    expect(await readdir(path.join(unpacked, "app", "python"))).toContain("docopt.py");
  }
  // Server, model and runtime know no processor: registries and nodes keep them once.
  expect(shared[0]).toEqual(shared[1]);
});
