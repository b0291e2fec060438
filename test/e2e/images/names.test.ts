// A model's file with a hostile but legal name, through a real build: the image holds exactly that name and those bytes.
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { imageFor, ownLayers, unpack } from "./layers.ts";
import { openProject, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
const name = "-a  $(touch pwned) `id` ${HOME} $HOME \"b\" 'c' \\ \\n # <<EOF * ? [x] é 🐟 !.onnx";
let project: Project;

beforeEach(async () => {
  project = await openProject();
  await project.take("onnx-multiclass");
  await rename(project.file("model.onnx"), project.file(name));
  const document = {
    name: "iris",
    version: "1.0.0",
    model: { path: name },
    validate: { data: "data.csv", gates: { accuracy: { min: 0.5 } } },
    image: { base },
  };
  await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
});

afterEach(() => project.close());

test(
  "is loaded by the image's server, and is in the model's layer as it was",
  { timeout: 400_000 },
  async () => {
    const built = await project.json<BuiltImage>(["build"]);
    expect(built.images[0]?.selfTest).toMatchObject({ parity: { flips: 0 } });
    const layout = project.file(".mlship/images", built.plan.slice("sha256:".length, 23), "layout");
    const [, , model] = ownLayers(await imageFor(layout, "linux/amd64"));
    const folder = path.join(
      await unpack(layout, model?.digest ?? "", project.file("unpacked")),
      "app",
      "model",
    );
    expect(await readdir(folder)).toEqual([name]);
    expect(await readFile(path.join(folder, name))).toEqual(await readFile(project.file(name)));
    expect(await readdir(project.folder)).not.toContain("pwned");
  },
);
