// How large an image with PyTorch for processors alone is: `node test/bench/image/pytorch.ts`. For arm64, for which
// PyPI has such wheels; nothing of it runs here. Needs the testbed (npm run testbed).
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort, Project } from "../../e2e/project.ts";
import useTestbed from "../../e2e/setup.ts";
import { imageFor, ownLayers } from "../../e2e/images/layers.ts";
import { openBuilder } from "./builder.ts";

const base = "127.0.0.1:5000/library/python:3.11-slim-multi";
/** What only the ONNX model of the project needs, and a model in PyTorch does not. */
const ofOnnx = /^(onnxruntime|flatbuffers|protobuf)==/;

useTestbed();
const folder = await mkdtemp(path.join(tmpdir(), "mlship-bench-pytorch-"));
const builder = await openBuilder(folder);
try {
  await mkdir(path.join(folder, "project"));
  const project = new Project(path.join(folder, "project"), await freePort(), {});
  await project.take("onnx-multiclass");
  await writeFile(project.file("requirements.txt"), "torch==2.10.0; platform_machine == 'aarch64'\n");
  const document = {
    name: "iris",
    version: "1.0.0",
    model: { path: "model.onnx" },
    validate: { data: "data.csv", gates: { accuracy: { min: 0.8 } } },
    python: { requirements: "requirements.txt" },
    image: { base, platforms: ["linux/arm64"] },
  };
  await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
  await project.mlship(["generate"]);
  const context = project.file("deploy", "image");
  const requirements = path.join(context, "build", "requirements-arm64.txt");
  const pins = (await readFile(requirements, "utf8")).split(/\n(?=\S)/);
  await writeFile(
    requirements,
    `${pins
      .filter((pin) => !ofOnnx.test(pin))
      .join("\n")
      .trimEnd()}\n`,
  );
  await writeFile(path.join(context, "build", "loader.py"), "import torch\n");
  const layout = path.join(folder, "layout");
  const seconds = await builder.build(context, layout, ["--platform", "linux/arm64"]);
  const own = ownLayers(await imageFor(layout, "linux/arm64"));
  const size = own.reduce((sum, layer) => sum + layer.size, 0);
  console.log(
    `PyTorch 2.10.0, linux/arm64: ${(size / 1e6).toFixed(1)} MB above the base, ${seconds.toFixed(0)} s`,
  );
} finally {
  await builder.close();
  await rm(folder, { recursive: true, force: true });
}
