// What a model is to mlship: files with a digest, a format, and what the files say of themselves.
import type { Digest } from "../digest.ts";

/** The formats that mlship reads, scans, scores and serves. */
export const modelFormats = [
  "onnx",
  "sklearn",
  "skops",
  "xgboost",
  "lightgbm",
  "catboost",
  "pytorch",
  "keras",
  "savedmodel",
  "python",
] as const;
export type ModelFormat = (typeof modelFormats)[number];

/** One file of a model. `path` is relative to the model's folder and uses `/`. */
export interface ModelFile {
  path: string;
  /** Bytes. */
  size: number;
  sha256: Digest;
}

/** Files in order of their paths, and one digest over the sorted (path, size, sha256) triples. */
export interface FileSet {
  files: ModelFile[];
  digest: Digest;
  /** Bytes, all files together. */
  size: number;
}

/** What a prediction column may hold; the names are those of numpy's dtypes, `string` for text. */
export const columnTypes = ["float64", "float32", "int64", "bool", "string"] as const;
export type ColumnType = (typeof columnTypes)[number];

/** One named input of the model. A `nullable` column may be missing or null in a row. */
export interface InputColumn {
  name: string;
  type: ColumnType;
  nullable: boolean;
}

/** What the model predicts. */
export const tasks = ["binary", "multiclass", "regression"] as const;
export type Task = (typeof tasks)[number];

/** A class label as the model knows it. */
export type Label = string | number | boolean;

/** What can be read from the model's files without loading them. Unknown members are null. */
export interface Model extends FileSet {
  format: ModelFormat;
  /** The file or folder, relative to the model's folder: what a loader is given. `.` is all of it. */
  entry: string;
  /** Qualified name of the estimator or producer, for people: `sklearn.pipeline.Pipeline`. */
  estimator: string | null;
  /** PyPI distribution name → version the model was saved with, or null when it does not say. */
  libraries: Record<string, string | null>;
  /** Names of the inputs in the model's own order. */
  featureNames: string[] | null;
  featureCount: number | null;
  classes: Label[] | null;
  task: Task | null;
  /** Qualified names that loading reaches, sorted; every one of them is allowed. */
  reaches: string[];
}
