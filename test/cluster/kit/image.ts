// One image for all tests of the cluster: the real server, and a model that misbehaves as an environment variable says.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { digestBytes } from "../../../src/digest.ts";
import type { Bundle } from "../../../src/model/bundle.ts";

const repository = path.resolve(import.meta.dirname, "../../..");

/**
 * What a revision does wrong, in `MLSHIP_FAULT`. Users' requests are told from golden rows by their
 * number: fewer than 50 rows at once.
 */
export interface Fault {
  /** Share of users' requests that are answered 500. */
  fail?: number;
  /** Users' rows whose `a` is above this are answered 500. */
  failAbove?: number;
  /** Seconds that a users' request takes longer. */
  sleep?: number;
  /** What every users' request is answered with. */
  constant?: number;
  /** Every users' request is answered with NaN. */
  nan?: boolean;
  /** Users' requests after which the process ends itself. */
  exitAfter?: number;
  /** MiB that each users' request keeps. */
  leak?: number;
  /** Added to every answer, the golden rows' too. */
  offset?: number;
  /** Seconds that loading takes longer. */
  slowLoad?: number;
  /** Loading fails with this message. */
  loadError?: string;
}

// Rows with `b` at -1000 or below fail on every revision: what both sides depend on is down.
const handler = `
import json, os, random, time
from pathlib import Path
import numpy as np
FAULT = json.loads(os.environ.get("MLSHIP_FAULT", "{}"))
seen, kept = 0, []
def load(folder):
    time.sleep(FAULT.get("slowLoad", 0))
    if "loadError" in FAULT: raise RuntimeError(FAULT["loadError"])
    return 3.5
def preprocess(columns):
    return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs):
    global seen
    answers = inputs.sum(axis=1) * model + FAULT.get("offset", 0)
    if len(inputs) >= 50: return answers
    seen += 1
    if (inputs[:, 1] <= -1000).any(): raise RuntimeError("the feature store is down")
    if FAULT.get("exitAfter") and seen > FAULT["exitAfter"]:
        print("fatal: the licence of the model has expired", flush=True)
        os._exit(9)
    if "leak" in FAULT: kept.append(np.ones(FAULT["leak"] * 131072))
    if "sleep" in FAULT: time.sleep(FAULT["sleep"])
    if random.random() < FAULT.get("fail", 0): raise RuntimeError("no such feature")
    if "failAbove" in FAULT and (inputs[:, 0] > FAULT["failAbove"]).any(): raise RuntimeError("out of range")
    if FAULT.get("nan"): return answers * np.nan
    if "constant" in FAULT: return answers * 0 + FAULT["constant"]
    return answers
`;

/** What the model answers. */
export const factor = 3.5;

const bundle: Bundle = {
  schema: "mlship.bundle/v1",
  name: "kit",
  version: "1.0.0",
  digest: digestBytes("kit"),
  format: "sklearn",
  entry: "factor.txt",
  handler: "handler.py",
  task: "regression",
  classes: null,
  inputs: ["a", "b"].map((name) => ({ name, type: "float64", nullable: false })),
  libraries: {},
  allowed: [],
};

/** Builds and pushes the image unless the registry has it. @returns the reference with its digest */
export async function buildKitImage(): Promise<string> {
  const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
  const dockerfile = `
FROM ${registry}/library/python:3.11-slim
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m pip install -q --no-cache-dir --target /app/python -r /tmp/requirements.txt
COPY server /app/server
COPY bundle /app/bundle
COPY model /app/model
ENV PYTHONPATH=/app/python:/app/server
USER 65532:65532
ENTRYPOINT ["python3", "-m", "mlship_server", "serve", "/app/bundle"]
`;
  const server = path.join(repository, "templates/server/mlship_server");
  const sources = readdirSync(server, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".py"))
    .toSorted()
    .map((file) => [file, readFileSync(path.join(server, file), "utf8")]);
  const requirements = readFileSync(path.join(repository, "templates/server/requirements.txt"), "utf8");
  const content = JSON.stringify([dockerfile, handler, bundle, sources, requirements]);
  const name = `${registry}/cluster-kit`;
  const tag = digestBytes(content).slice("sha256:".length, "sha256:".length + 16);
  const known = await pushedDigest(registry, tag);
  if (known !== null) return `${name}@${known}`;
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-kit-"));
  try {
    cpSync(server, path.join(folder, "server/mlship_server"), {
      recursive: true,
      filter: (file) => !file.includes("__pycache__"),
    });
    mkdirSync(path.join(folder, "bundle"));
    mkdirSync(path.join(folder, "model"));
    writeFileSync(path.join(folder, "requirements.txt"), requirements);
    writeFileSync(path.join(folder, "bundle/mlship.json"), JSON.stringify(bundle));
    writeFileSync(path.join(folder, "bundle/handler.py"), handler);
    writeFileSync(path.join(folder, "model/factor.txt"), String(factor));
    writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
    const args = ["buildx", "build", "--builder", "testbed", "--provenance=false", "--push"];
    execFileSync("docker", [...args, "--tag", `${name}:${tag}`, folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const pushed = await pushedDigest(registry, tag);
  if (pushed === null) throw new Error(`${name}:${tag} was pushed and is not there`);
  return `${name}@${pushed}`;
}

async function pushedDigest(registry: string, tag: string): Promise<string | null> {
  const response = await fetch(`http://${registry}/v2/cluster-kit/manifests/${tag}`, {
    method: "HEAD",
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  return response.ok ? response.headers.get("docker-content-digest") : null;
}
