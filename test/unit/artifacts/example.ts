// A small release with all of its bytes, for tests.
import type { Sources } from "../../../src/artifacts/publish.ts";
import { makeRelease } from "../../../src/artifacts/release.ts";
import type { Release } from "../../../src/artifacts/release.ts";
import { canonicalJson, digestBytes } from "../../../src/digest.ts";
import type { Digest } from "../../../src/digest.ts";

export interface Example {
  release: Release;
  sources: Sources;
}

/** Releases of different `weights` differ; those of different `at` do not. */
export function exampleRelease(version = "1.4.0", weights = "weights", at = "2026-01-02T03:04:05Z"): Example {
  const sources = new Map<Digest, Uint8Array>();
  const store = (text: string) => {
    const bytes = Buffer.from(text);
    sources.set(digestBytes(bytes), bytes);
    return { sha256: digestBytes(bytes), size: bytes.length };
  };
  const set = (texts: Record<string, string>) => {
    const files = Object.entries(texts).map(([path, text]) => ({ path, ...store(text) }));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    return { files, digest: digestBytes(canonicalJson(files)), size };
  };
  const model = set({ "handler.py": "def predict(): ...", "model/weights.bin": weights });
  const release = makeRelease({
    name: "fraud",
    version,
    bundle: {
      schema: "mlship.bundle/v1",
      name: "fraud",
      version,
      digest: model.digest,
      format: "sklearn",
      entry: "model/weights.bin",
      handler: "handler.py",
      task: "binary",
      classes: [0, 1],
      inputs: [{ name: "age", type: "float64", nullable: false }],
      libraries: { "scikit-learn": "1.5.2" },
      allowed: [],
    },
    model,
    report: {
      file: store("{}"),
      digest: digestBytes("report"),
      verdict: "pass",
      headline: { accuracy: 0.97 },
    },
    golden: store("[1,2,3]"),
    python: {
      digest: digestBytes("lock"),
      python: "3.12",
      platform: "linux_x86_64",
      requirements: store("numpy==2.0.0 --hash=sha256:00\n"),
      server: set({ "mlship_server/__main__.py": "print(1)" }),
    },
    dataset: { digest: digestBytes("data"), rows: 100 },
    lineage: { commit: "0123456789abcdef0123456789abcdef01234567", dirty: false },
    parent: null,
    volatile: { at, actor: "ada@loom", tool: "0.1.0" },
  });
  return { release, sources };
}
