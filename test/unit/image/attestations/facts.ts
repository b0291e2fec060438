// A built image as `attest` is told of it: two platforms, three distributions, a report that lets it pass.
import { digestBytes, digestDocument, type Digest } from "../../../../src/digest.ts";
import type { ImageFacts } from "../../../../src/image/attestations/attest.ts";
import type { Lock } from "../../../../src/image/lock/lock.ts";
import type { BuildPlan } from "../../../../src/image/plan/plan.ts";
import { sealReport, type Report } from "../../../../src/validation/report.ts";

const hex = (text: string) => digestBytes(text).slice("sha256:".length);

const gate: Report["gates"][number] = {
  id: "accuracy.min",
  metric: "accuracy",
  average: null,
  bound: "min",
  slice: null,
  required: 0.9,
  observed: 0.95,
  ci: null,
  production: null,
  status: "pass",
  why: "0.95 ≥ 0.9",
  hint: null,
  rowsToDecide: null,
};

/** A report on a model of two files. */
export function makeReport(changes: Partial<Omit<Report, "digest">> = {}): Report {
  return sealReport({
    schema: "mlship.report/v1",
    tool: { name: "mlship", version: "0.1.0" },
    inputs: digestBytes("inputs"),
    model: {
      format: "skops",
      digest: digestBytes("model"),
      files: [
        { path: "model.skops", size: 1000, sha256: digestBytes("model.skops") },
        { path: 'notes/a "b" ✓.txt', size: 10, sha256: digestBytes("notes") },
      ],
      libraries: { "scikit-learn": "1.7.2", skops: "0.13.0" },
      inputs: [{ name: "height", type: "float64", nullable: false }],
    },
    dataset: { digest: digestBytes("rows"), rows: 171, target: "target", weight: null, key: null },
    lock: digestBytes("python lock"),
    server: digestBytes("server"),
    baseline: null,
    runtime: { kind: "python", version: "3.11.2", platform: "linux" },
    task: "binary",
    classes: [0, 1],
    positive: 1,
    metrics: [
      { name: "accuracy", average: null, value: 0.95, reason: null, ci: null, n: 171 },
      { name: "recall", average: "weighted", value: 0.9, reason: null, ci: null, n: 171 },
      { name: "rocAuc", average: null, value: null, reason: "no probabilities", ci: null, n: 171 },
    ],
    comparisons: [],
    slices: [],
    fairness: [],
    calibration: null,
    pictures: { curves: [], confusion: null, residuals: [] },
    robustness: [],
    data: { nulls: [], range: [], unseenCategories: [], duplicates: null, trainOverlap: null },
    profile: { from: "test", features: [], predictions: [] },
    gates: [gate, { ...gate, id: "f1.maxDrop", metric: "f1", bound: "maxDrop", status: "skipped" }],
    findings: [],
    verdict: "pass",
    golden: digestBytes("golden"),
    volatile: {
      file: "test_data.csv",
      performance: { loadSeconds: 1, rss: 1, scoreSeconds: 1, rowsPerSecond: 1, peakRss: 1, latency: null },
    },
    ...changes,
  });
}

const packages = [
  { name: "numpy", version: "2.3.1", sha256: [hex("numpy")] },
  { name: "scikit-learn", version: "1.7.2", sha256: [hex("sklearn a"), hex("sklearn b")] },
  { name: "torch", version: "2.10.0+cpu", sha256: [hex("torch")] },
];

const base = { reference: "docker.io/library/python:3.11-slim", digest: digestBytes("base index") };

const lock: Lock = {
  schema: "mlship.lock/v1",
  inputs: {
    model: digestBytes("model"),
    requirements: ["scikit-learn==1.7.2", "skops>=0.13.0"],
    python: "auto",
    base: "python:3.11-slim",
    platforms: ["linux/amd64", "linux/arm64"],
    allowSource: [],
    server: digestBytes("server"),
  },
  builder: { uv: { version: "0.9.5", sha256: { "linux/amd64": hex("uv") } } },
  python: "3.11",
  base: {
    ...base,
    platforms: {
      "linux/amd64": { manifest: digestBytes("base amd64"), size: 1000 },
      "linux/arm64": { manifest: digestBytes("base arm64"), size: 1000 },
    },
  },
  packages: { "linux/amd64": packages, "linux/arm64": packages.slice(0, 2) },
};

/** @param manifests of the platforms' images, amd64 first; one makes an image of one platform */
export function makeFacts(
  index: Digest = digestBytes("index"),
  manifests: Digest[] = [digestBytes("amd64"), digestBytes("arm64")],
  report: Report = makeReport(),
): ImageFacts {
  const platforms = (["linux/amd64", "linux/arm64"] as const).slice(0, manifests.length);
  const evidence = { model: report.model.digest, lock: digestDocument(lock), report: report.digest };
  const plan: BuildPlan = {
    schema: "mlship.build-plan/v1",
    name: "fraud",
    version: "1.4.0",
    platforms,
    base: { ...base, platforms: { "linux/amd64": digestBytes("base amd64") } },
    layers: [{ name: "environment", inputs: digestBytes("environment"), about: "3 packages" }],
    config: {
      user: "65532:65532",
      workingDir: "/app",
      env: {},
      entrypoint: ["python3"],
      healthcheck: { test: ["CMD", "true"], intervalMs: 1, timeoutMs: 1, startPeriodMs: 1 },
      stopSignal: "SIGTERM",
      exposedPort: 8080,
      labels: {},
    },
    dockerfile: digestBytes("Dockerfile"),
    sourceDateEpoch: 0,
    evidence,
    volatile: {
      revision: "0123456789abcdef0123456789abcdef01234567-dirty",
      source: "https://github.com/acme/fraud",
    },
    digest: digestBytes("plan"),
  };
  const images = platforms.map((platform, at) => ({
    platform,
    manifest: manifests[at]!,
    layers: [],
    size: 1,
    selfTest: null,
  }));
  return {
    image: { name: "fraud", version: "1.4.0", digest: index, images, evidence },
    plan,
    lock,
    report,
    tool: "0.1.0",
  };
}
