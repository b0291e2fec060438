// Tells a model's format by its content, never by its name, and says what other files are.
import { join } from "node:path";
import { MlshipError } from "../errors.ts";
import { FileBytes, type ByteSource } from "./bytes.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { digestFiles, statsOf } from "./files.ts";
import { fieldsOf } from "./formats/wire.ts";
import { walkPickle } from "./pickle/walk.ts";
import { quote } from "./reading.ts";
import { foreignKind } from "./foreign.ts";
import { Unreadable } from "./unreadable.ts";
import type { FileSet, ModelFile, ModelFormat } from "./model.ts";

/** What a file's content is: a format, or words for what it is instead. */
type Kind = { format: ModelFormat } | { other: string };

/** A model's main file, ready to be read. Call `close` when done. */
export interface Opened extends FileSet {
  format: ModelFormat;
  /** Path of the main file inside the model. */
  entry: string;
  /** Its bytes, decompressed. */
  source: ByteSource;
  close(): void;
}

const readable =
  "mlship reads ONNX, scikit-learn (joblib or pickle), skops, XGBoost (JSON or UBJ) and LightGBM (text) models";

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
export async function openModel(path: string): Promise<Opened> {
  const set = await digestFiles(path);
  const isFolder = (await statsOf(path)).isDirectory();
  const pathOf = (file: ModelFile): string => (isFolder ? join(path, file.path) : path);
  const found = set.files.flatMap((file) => {
    const kind = file.size === 0 ? { other: "an empty file" } : kindOfFile(pathOf(file));
    return [{ file, kind }];
  });
  const models = found.flatMap(({ file, kind }) => ("format" in kind ? [{ file, format: kind.format }] : []));
  const [model] = models;
  if (model === undefined) throw unknownFormat(path, found);
  if (models.length > 1) throw ambiguous(path, models);
  const bytes = new FileBytes(pathOf(model.file));
  try {
    const compression = model.format === "sklearn" ? compressionOf(headOf(bytes)) : null;
    const source = compression === null ? bytes : decompress(bytes, compression, model.file.path);
    return { ...set, format: model.format, entry: model.file.path, source, close: () => bytes.close() };
  } catch (error) {
    bytes.close();
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

function kindOfFile(path: string): Kind {
  const bytes = new FileBytes(path);
  try {
    return kindOf(bytes);
  } catch (error) {
    if (error instanceof Unreadable) return { other: "a damaged file" };
    throw error;
  } finally {
    bytes.close();
  }
}

function headOf(source: ByteSource): Buffer {
  return source.read(0, Math.min(source.size, 512));
}

/** What the bytes are, by what only this format begins with, then by what can be read as it. */
export function kindOf(source: ByteSource): Kind {
  const head = headOf(source);
  if (isPickle(head)) return { format: "sklearn" };
  const compression = compressionOf(head);
  if (compression !== null) return compressed(source, compression);
  if (head.toString("latin1", 0, 5) === "tree\n" || head.toString("latin1", 0, 6) === "tree\r\n") {
    return { format: "lightgbm" };
  }
  const foreign = foreignKind(source, head);
  if (foreign === "zip with schema.json") return { format: "skops" };
  if (foreign !== null) return { other: foreign };
  if (isBooster(head)) return { format: "xgboost" };
  if (isOnnx(source)) return { format: "onnx" };
  if (isTextPickle(source, head)) return { format: "sklearn" };
  const printable = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  return { other: printable ? "a text file" : "a file of a format that mlship does not know" };
}

/** Pickles of protocol 2 and later say so in their first two bytes. */
function isPickle(head: Buffer): boolean {
  const [first, protocol = 0] = head;
  return first === 0x80 && protocol >= 2 && protocol <= 5;
}

function compressed(source: ByteSource, compression: NonNullable<ReturnType<typeof compressionOf>>): Kind {
  // Others are decided on when the model is opened: the refusal there says how to save it again.
  if (compression !== "zlib" && compression !== "gzip") return { format: "sklearn" };
  try {
    return kindInside(decompress(source, compression, "it"), compression);
  } catch (error) {
    // Opening it again says where it is damaged.
    if (error instanceof Unreadable) return { format: "sklearn" };
    throw error;
  }
}

function kindInside(source: ByteSource, compression: string): Kind {
  const head = headOf(source);
  if (isPickle(head) || isTextPickle(source, head)) return { format: "sklearn" };
  return { other: `a file compressed with ${compression} that holds no pickle` };
}

/** A JSON or UBJSON object that begins as XGBoost's: with the key `learner`, `version` or `Config`. */
function isBooster(head: Buffer): boolean {
  const text = head.toString("latin1");
  return (
    /^\s*\{\s*"(learner|version)"/.test(text) || /^\{[iUIlL][\0-\u0020]{1,8}(learner|version)/.test(text)
  );
}

/** Known fields only, an early IR version, and a graph; the last may be missing where the file was cut. */
function isOnnx(source: ByteSource): boolean {
  let version = 0n;
  let count = 0;
  try {
    for (const { number, value, range } of fieldsOf(source, { start: 0, end: source.size })) {
      if (!modelFields.has(number)) return false;
      if (number === 1 && (range !== null || value < 1n || value > 100n)) return false;
      if (number === 1) version = value;
      count += 1;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    // One small number alone would also begin many other files.
    return version > 0n && count > 1;
  }
  return version > 0n && count > 1;
}

/** Fields of ModelProto. */
const modelFields = new Set([1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]);

/** Protocols 0 and 1 have no mark: a file is one when it begins with an import, or is one to its end. */
function isTextPickle(source: ByteSource, head: Buffer): boolean {
  if (!"(cilINFVSULX]})KMJGT".includes(head.toString("latin1", 0, 1))) return false;
  if (/^[c(][ci]?[A-Za-z_][\w.]*\r?\n[A-Za-z_][\w.]*\r?\n[(.)qpX\]}]/.test(head.toString("latin1")))
    return true;
  const { findings } = walkPickle(source, "", []);
  return findings.every(({ rule }) => rule !== "damaged");
}

function unknownFormat(path: string, found: { file: ModelFile; kind: Kind }[]): MlshipError {
  const [first] = found;
  const alone = found.length === 1 && first !== undefined && "other" in first.kind ? first.kind.other : null;
  return new MlshipError({
    code: "model.unknown-format",
    what:
      alone === null
        ? `none of the ${found.length} files in ${path} is a model that mlship reads`
        : `${path} is ${alone}`,
    why: `${readable}, told by content, not by a file's ending`,
    fix: "save the model in one of these formats",
    exit: "usage",
    problems:
      alone === null
        ? found.slice(0, 10).map(({ file, kind }) => ({
            what: `${quote(file.path)} is ${"other" in kind ? kind.other : kind.format}`,
          }))
        : [],
  });
}

function ambiguous(path: string, models: { file: ModelFile; format: ModelFormat }[]): MlshipError {
  return new MlshipError({
    code: "model.ambiguous",
    what: `${path} holds ${models.length} models`,
    why: models
      .slice(0, 10)
      .map(({ file, format }) => `${quote(file.path)} (${format})`)
      .join(", "),
    fix: "set model.path to one of them, or keep only one in the folder",
    exit: "usage",
  });
}
