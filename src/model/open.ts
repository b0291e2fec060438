// Opens a model: digests its files, finds the one that a loader is given, and tells its format.
import { basename, join } from "node:path";
import { MlshipError } from "../errors.ts";
import { FileBytes, type ByteSource } from "./bytes.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { digestFiles, statsOf } from "./files.ts";
import { headOf, kindOf, type Kind } from "./format.ts";
import { mlflowFile, readMlflow, type Mlflow } from "./mlflow.ts";
import { quote } from "./reading.ts";
import { withoutVariables } from "./savedmodel/folder.ts";
import { Unreadable } from "./unreadable.ts";
import type { FileSet, ModelFile, ModelFormat } from "./model.ts";

/** A model's main file, ready to be read. Call `close` when done. */
export interface Opened extends FileSet {
  format: ModelFormat;
  /** Path of the main file inside the model; `.` for all of a folder. */
  entry: string;
  /** Its bytes, decompressed. Of a model that is a handler's own business, no bytes. */
  source: ByteSource;
  /** What MLflow wrote beside it, where the folder is one of MLflow's. */
  mlflow: Mlflow | null;
  /** Whether the user's own code works with the files. */
  handler: boolean;
  /** Opens another file of the model; closed with the rest. */
  open(file: string): ByteSource;
  /** Reads another file of the model, and closes it at once. */
  within<T>(file: string, read: (source: ByteSource) => T): T;
  close(): void;
}

/** What the user says of a model; the rest is told by its content. */
export interface Told {
  /** `python` leaves the files to the handler, whatever they are; `mlflow` asks for a folder of MLflow's. */
  format?: ModelFormat | "mlflow";
  /** Whether there is a handler: then files of no known format are a model too. */
  handler?: boolean;
}

/** A file of the model with what it is. */
interface Found {
  file: ModelFile;
  kind: Kind;
}

const readable =
  "mlship reads ONNX, scikit-learn (joblib or pickle), skops, XGBoost (JSON or UBJ), LightGBM (text), CatBoost (cbm), PyTorch, TensorFlow, Keras and MLflow models";

/**
 * The format of the model at `path`, and its main file.
 * @throws MlshipError `model.*`, exit "usage": not found, empty, of an unknown format, ambiguous.
 */
export async function detectFormat(path: string): Promise<{ format: ModelFormat; entry: string }> {
  const opened = await openModel(path);
  opened.close();
  const { format, entry } = opened;
  return { format, entry };
}

/** Digests the model's files and opens the one that a loader is given. Throws as {@link detectFormat}. */
export async function openModel(path: string, told: Told = {}): Promise<Opened> {
  const set = await digestFiles(path);
  const isFolder = (await statsOf(path)).isDirectory();
  const descriptors: FileBytes[] = [];
  const known = new Set(set.files.map((file) => file.path));
  const bytesAt = (file: string): FileBytes => {
    if (!known.has(file)) throw new Unreadable(0, `the model has no file ${quote(file)}`);
    return new FileBytes(isFolder ? join(path, file) : path);
  };
  const open = (file: string): ByteSource => {
    const bytes = bytesAt(file);
    descriptors.push(bytes);
    return bytes;
  };
  const within = <T>(file: string, read: (source: ByteSource) => T): T => {
    const bytes = bytesAt(file);
    try {
      return read(bytes);
    } finally {
      bytes.close();
    }
  };
  const close = (): void => {
    for (const bytes of descriptors.splice(0)) bytes.close();
  };
  try {
    const own = told.format === "python";
    const mlflow = !own && known.has(mlflowFile) && isFolder ? readMlflow(path, set.files, open) : null;
    if (told.format === "mlflow" && mlflow === null) throw notMlflow(path);
    const whole = { format: "python" as const, entry: isFolder ? "." : basename(path) };
    const { format, entry } = own
      ? whole
      : (findModel(path, inside(set.files, mlflow), bytesAt, told) ?? whole);
    const source = format === "python" ? nothing : decompressed(open(entry), format, entry);
    return { ...set, format, entry, source, mlflow, handler: told.handler === true, open, within, close };
  } catch (error) {
    close();
    throw error instanceof Unreadable ? damaged(path, error) : error;
  }
}

/** A file that is of a known format, but cannot be read to its end. */
export function damaged(path: string, cause: { message: string; offset: number | null }): MlshipError {
  return new MlshipError({
    code: "model.damaged",
    what: `${path} is damaged${cause.offset === null ? "" : ` at byte ${cause.offset}`}`,
    why: cause.message,
    fix: "save the model again, or copy it again from where it was made",
    exit: "usage",
    cause,
  });
}

const nothing: ByteSource = {
  size: 0,
  read() {
    throw new Unreadable(0, "a model of Python's own has no main file");
  },
};

/** Of an MLflow folder only what its native flavour names: what lies around it is no model of its own. */
function inside(files: ModelFile[], mlflow: Mlflow | null): ModelFile[] {
  if (mlflow === null) return files;
  const { data } = mlflow;
  return files.filter((file) => file.path === data || file.path.startsWith(`${data}/`));
}

/** The one file of a known format; null when there is none and a handler takes the files as they are. */
function findModel(
  path: string,
  files: readonly ModelFile[],
  bytesAt: (file: string) => FileBytes,
  told: Told,
): { format: ModelFormat; entry: string } | null {
  const found = withoutVariables(files).map((file) => ({ file, kind: kindOfFile(file, bytesAt) }));
  const models = found.flatMap(({ file, kind }) => ("format" in kind ? [{ file, format: kind.format }] : []));
  const [model] = models;
  if (models.length > 1) throw ambiguous(path, models, told.handler === true);
  if (model !== undefined) return { format: model.format, entry: model.file.path };
  if (told.handler === true) return null;
  throw unknownFormat(path, found);
}

function kindOfFile(file: ModelFile, bytesAt: (file: string) => FileBytes): Kind {
  if (file.size === 0) return { other: "an empty file" };
  const bytes = bytesAt(file.path);
  try {
    return kindOf(bytes);
  } catch (error) {
    if (error instanceof Unreadable) return { other: "a damaged file" };
    throw error;
  } finally {
    bytes.close();
  }
}

function decompressed(bytes: ByteSource, format: ModelFormat, file: string): ByteSource {
  const compression = format === "sklearn" ? compressionOf(headOf(bytes)) : null;
  return compression === null ? bytes : decompress(bytes, compression, file);
}

function unknownFormat(path: string, found: readonly Found[]): MlshipError {
  const [first] = found;
  const alone = found.length === 1 && first !== undefined && "other" in first.kind ? first.kind.other : null;
  return new MlshipError({
    code: "model.unknown-format",
    what:
      alone === null
        ? `none of the ${found.length} files in ${path} is a model that mlship reads`
        : `${path} is ${alone}`,
    why: `${readable}, told by content, not by a file's ending`,
    fix: "save the model in one of these formats, or set model.handler to a Python file that defines load and predict",
    exit: "usage",
    problems:
      alone === null
        ? found.slice(0, 10).map(({ file, kind }) => ({
            what: `${quote(file.path)} is ${"other" in kind ? kind.other : kind.format}`,
          }))
        : [],
  });
}

function ambiguous(
  path: string,
  models: { file: ModelFile; format: ModelFormat }[],
  handler: boolean,
): MlshipError {
  const own = handler ? ", or set model.format to python when the handler loads them all" : "";
  return new MlshipError({
    code: "model.ambiguous",
    what: `${path} holds ${models.length} models`,
    why: models
      .slice(0, 10)
      .map(({ file, format }) => `${quote(file.path)} (${format})`)
      .join(", "),
    fix: `set model.path to one of them, or keep only one in the folder${own}`,
    exit: "usage",
  });
}

function notMlflow(path: string): MlshipError {
  return new MlshipError({
    code: "model.format-mismatch",
    what: `${path} is no folder that MLflow wrote: it has no file MLmodel`,
    fix: "set model.path to the folder that holds MLmodel, or model.format to auto",
    exit: "usage",
  });
}
