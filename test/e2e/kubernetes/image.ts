// Images with the real server and a small model, in the testbed's registry, for the tests of pods.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { digestBytes } from "../../../src/digest.ts";
import type { Bundle } from "../../../src/model/bundle.ts";

const repository = path.resolve(import.meta.dirname, "../../..");
const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";

/** What the model is: its only file says what a sum is multiplied by. */
export const modelFile = Buffer.from("3.5");
const handler = `
from pathlib import Path
import numpy as np
def load(folder): return float((Path(folder) / "factor.txt").read_text())
def preprocess(columns): return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs): return inputs.sum(axis=1) * model
`;
const bundle: Bundle = {
  schema: "mlship.bundle/v1",
  name: "pods",
  version: "1.0.0",
  digest: digestBytes("pods"),
  format: "sklearn",
  entry: "factor.txt",
  handler: "handler.py",
  task: "regression",
  classes: null,
  inputs: ["a", "b"].map((name) => ({ name, type: "float64", nullable: false })),
  libraries: {},
  allowed: [],
};

const shared = `
FROM ${registry}/library/python:3.11-slim
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m pip install -q --no-cache-dir --target /app/python -r /tmp/requirements.txt
COPY server /app/server
COPY bundle /app/bundle
ENV PYTHONPATH=/app/python:/app/server
USER 65532:65532
ENTRYPOINT ["python3", "-m", "mlship_server", "serve", "/app/bundle"]
`;

/** Images of one run of the tests. */
export interface Images {
  /** With the model in it. */
  baked: string;
  /** Without. */
  bare: string;
  /** The model alone. */
  model: string;
}

/** Builds and pushes the images. @param folder an empty folder to build in */
export function pushImages(folder: string, tag: string): Images {
  const bare = path.join(folder, "bare");
  mkdirSync(path.join(bare, "bundle"), { recursive: true });
  cpSync(path.join(repository, "templates/server/mlship_server"), path.join(bare, "server/mlship_server"), {
    recursive: true,
  });
  const requirements = path.join(repository, "templates/server/requirements.txt");
  cpSync(requirements, path.join(bare, "requirements.txt"));
  writeFileSync(path.join(bare, "requirements.txt"), "obstore>=0.11,<0.13\n", { flag: "a" });
  writeFileSync(path.join(bare, "bundle/mlship.json"), JSON.stringify(bundle));
  writeFileSync(path.join(bare, "bundle/handler.py"), handler);
  writeFileSync(path.join(bare, "Dockerfile"), shared);
  const bareName = `${registry}/kubernetes-pods:${tag}`;
  const model = path.join(folder, "model");
  mkdirSync(path.join(model, "app/model"), { recursive: true });
  writeFileSync(path.join(model, "app/model/factor.txt"), modelFile);
  writeFileSync(path.join(model, "Dockerfile"), "FROM scratch\nCOPY app /app\n");
  const baked = path.join(folder, "baked");
  mkdirSync(baked);
  cpSync(path.join(model, "app"), path.join(baked, "app"), { recursive: true });
  writeFileSync(path.join(baked, "Dockerfile"), `FROM ${bareName}\nCOPY app /app\n`);
  return {
    bare: push(bare, bareName),
    model: push(model, `${registry}/kubernetes-pods-model:${tag}`),
    baked: push(baked, `${registry}/kubernetes-pods-baked:${tag}`),
  };
}

/** Builds with the testbed's BuildKit and pushes. @returns the reference with its digest */
function push(folder: string, name: string): string {
  const told = path.join(folder, "..", `${path.basename(folder)}.json`);
  const args = ["buildx", "build", "--builder", "testbed", "--provenance=false", "--metadata-file", told];
  execFileSync("docker", [...args, "--push", "--tag", name, folder], { stdio: ["ignore", "pipe", "pipe"] });
  const metadata = JSON.parse(readFileSync(told, "utf8")) as { "containerimage.digest": string };
  return `${name.slice(0, name.lastIndexOf(":"))}@${metadata["containerimage.digest"]}`;
}
