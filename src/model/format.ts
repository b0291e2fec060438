// Tells a file's format by its content, never by its name, and says what other files are.
import type { ByteSource } from "./bytes.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { fieldsOf } from "./formats/wire.ts";
import { walkPickle } from "./pickle/walk.ts";
import { foreignKind } from "./foreign.ts";
import { Unreadable } from "./unreadable.ts";
import type { ModelFormat } from "./model.ts";

/** What a file's content is: a format, or words for what it is instead. */
export type Kind = { format: ModelFormat } | { other: string };

/** What the bytes are, by what only this format begins with, then by what can be read as it. */
export function kindOf(source: ByteSource): Kind {
  const head = headOf(source);
  if (head.subarray(0, legacyMark.length).equals(legacyMark)) return { other: legacyWords };
  if (isPickle(head)) return { format: "sklearn" };
  const compression = compressionOf(head);
  if (compression !== null) return compressed(source, compression);
  if (head.toString("latin1", 0, 5) === "tree\n" || head.toString("latin1", 0, 6) === "tree\r\n") {
    return { format: "lightgbm" };
  }
  const foreign = foreignKind(source, head);
  if (foreign === "zip with schema.json") return { format: "skops" };
  if (foreign === "zip of PyTorch" || foreign === "safetensors") return { format: "pytorch" };
  if (foreign === "CatBoost") return { format: "catboost" };
  if (foreign === "zip with model.weights.h5" || foreign === "HDF5") return { format: "keras" };
  if (foreign !== null) return { other: foreign };
  if (isBooster(head)) return { format: "xgboost" };
  if (isSavedModel(source)) return { format: "savedmodel" };
  if (isOnnx(source)) return { format: "onnx" };
  if (isTextPickle(source, head)) return { format: "sklearn" };
  const printable = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  return { other: printable ? "a text file" : "a file of a format that mlship does not know" };
}

/** The pickled number that PyTorch's files before 1.6 begin with, in protocol 2. */
const legacyMark = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
const legacyWords =
  "a PyTorch file of the time before 1.6, a row of pickles; load it with torch.load(…, weights_only=True) and save it again with torch.save";

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

/** A version and graphs, each of which begins with a message about itself: no producer's name begins so. */
function isSavedModel(source: ByteSource): boolean {
  let graphs = 0;
  try {
    for (const { number, range } of fieldsOf(source, { start: 0, end: source.size })) {
      if (number === 1 && range === null) continue;
      if (number !== 2 || range === null || range.end === range.start) return false;
      if (source.read(range.start, 1)[0] !== 10) return false;
      graphs += 1;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return graphs > 0;
  }
  return graphs > 0;
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

/** The first bytes, by which formats are told. */
export function headOf(source: ByteSource): Buffer {
  return source.read(0, Math.min(source.size, 512));
}
