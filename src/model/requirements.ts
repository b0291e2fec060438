// The Python distributions that a model needs to be loaded, as PEP 508 lines.
import type { InputColumn, Model, ModelFormat } from "./model.ts";

/** What a loader needs whatever the file says, and how far an unknown version may go. */
const needed: Record<ModelFormat, Record<string, string>> = {
  onnx: { onnxruntime: ">=1.18,<2" },
  sklearn: { "scikit-learn": ">=1.2,<2", joblib: ">=1.2,<2" },
  skops: { skops: ">=0.13,<1", "scikit-learn": ">=1.2,<2" },
  // Newer versions read the files of older ones.
  xgboost: { xgboost: ">=2.1.1,<4" },
  // LightGBM's wheel counts on the system for OpenMP, which slim base images lack; that of scikit-learn
  // brings it, and the image shows it to LightGBM (templates/image/assemble.py).
  lightgbm: { lightgbm: ">=4,<5", "scikit-learn": ">=1.2,<2" },
  catboost: { catboost: ">=1.2,<2" },
  // 2.6 closes CVE-2025-32434 (weights_only could run code), 2.10 closes CVE-2026-24747 (the same, again).
  // safetensors is small, and handlers that make a module of weights need it.
  pytorch: { torch: ">=2.10,<3", safetensors: ">=0.4,<1" },
  // Both for HDF5 files of Keras 2, whose keras brings its own tensorflow, and for Keras 3.
  keras: { keras: ">=2.13,<4", tensorflow: ">=2.13,<3" },
  savedmodel: { tensorflow: ">=2.13,<3" },
  // The handler imports what it needs; the project's own requirements name it.
  python: {},
};

/** The distributions that a format's loader imports. */
export function librariesOf(format: ModelFormat): string[] {
  return Object.keys(needed[format]);
}

/** Distributions whose saved version is only a lower bound: what they write, later versions read. */
const compatible = new Set(["catboost", "skops", "tensorflow", "torch"]);

/**
 * Requirements of a model: pinned to the version it was saved with where it says so.
 * Sorted by name; the versions of numpy and scipy follow from scikit-learn's.
 * @param inputs an estimator that names its features gets text columns as a pandas data frame
 */
export function requirementsOf(
  model: Pick<Model, "format" | "libraries" | "featureNames">,
  inputs: readonly Pick<InputColumn, "type">[],
): string[] {
  const wanted = new Map<string, string>(Object.entries(needed[model.format]));
  for (const [name, version] of Object.entries(model.libraries)) {
    if (version === null || !isVersion(version)) wanted.set(name, wanted.get(name) ?? "");
    else wanted.set(name, compatible.has(name) ? atLeast(version, wanted.get(name)) : `==${version}`);
  }
  const sklearn = model.libraries["scikit-learn"] ?? null;
  const isEstimator = model.format === "sklearn" || model.format === "skops";
  if (isEstimator && model.featureNames !== null && inputs.some(({ type }) => type === "string"))
    wanted.set("pandas", wanted.get("pandas") ?? "");
  // scikit-learn before 1.4.2 was built for numpy 1 without saying so in its metadata.
  if (sklearn !== null && isBefore(sklearn, [1, 4, 2])) wanted.set("numpy", "<2");
  return [...wanted].flatMap(([name, range]) => distributionsOf(name, range)).sort();
}

/**
 * The libraries that must be there in exactly the version that the model was saved with. Another version
 * of the others is told as a finding of validation.
 */
export function exactLibraries({ libraries }: Pick<Model, "libraries">): Record<string, string> {
  const exact = Object.entries(libraries).flatMap(([name, version]) =>
    version !== null && isVersion(version) && !compatible.has(name) ? [[name, version] as const] : [],
  );
  return Object.fromEntries(exact);
}

/**
 * The wheel of `xgboost` for Linux on x86-64 brings 300 MB of GPU libraries; `xgboost-cpu` is the
 * same library without them. It exists from 2.1.1 on, and for that platform only. So is `tensorflow-cpu`
 * for `tensorflow`, whose own wheel takes twice the room.
 */
function distributionsOf(name: string, range: string): string[] {
  const old = name === "xgboost" && range.startsWith("==") && isBefore(range.slice(2), [2, 1, 1]);
  if ((name !== "xgboost" && name !== "tensorflow") || old) return [name + range];
  const here = "sys_platform == 'linux' and platform_machine == 'x86_64'";
  const elsewhere = "sys_platform != 'linux' or platform_machine != 'x86_64'";
  return [`${name}-cpu${range}; ${here}`, `${name}${range}; ${elsewhere}`];
}

/** The range from a version on, within the range that a loader needs anyway: its lower end may be higher. */
function atLeast(version: string, range = ""): string {
  const [, low = null, rest = ""] = /^>=([\d.]+)(.*)$/.exec(range) ?? [];
  if (low !== null && isBefore(version, low.split(".").map(Number))) return range;
  return `>=${version}${rest}`;
}

/** A released version as PEP 440 writes it. A file's text reaches a requirement only through this. */
function isVersion(version: string): boolean {
  return /^\d{1,4}(\.\d{1,4}){1,3}((a|b|rc)\d{1,3})?(\.post\d{1,3})?$/.test(version);
}

function isBefore(version: string, bound: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, limit] of bound.entries()) {
    const part = parts[index] ?? 0;
    if (part !== limit) return part < limit;
  }
  return false;
}
