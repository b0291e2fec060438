// Recognises files of formats that mlship does not read, so that a refusal can say what they are.
import { openZip } from "./zip.ts";
import { schemaFile } from "./formats/skops.ts";
import { looksLikeSafetensors } from "./formats/safetensors.ts";
import { Unreadable } from "./unreadable.ts";
import type { ByteSource } from "./bytes.ts";

/** What files begin with, in latin-1. */
const beginnings: readonly (readonly [string, string])[] = [
  ["\x89HDF\r\n\x1A\n", "HDF5"],
  ["GGUF", "a GGUF language model"],
  ["\x93NUMPY", "a numpy array"],
  ["PAR1", "a Parquet table"],
  ["CBM1", "CatBoost"],
  ["binf", "an XGBoost model in its old binary format; save it with save_model('model.ubj')"],
  ["bs64", "an XGBoost model in its old binary format; save it with save_model('model.ubj')"],
  ["7z\xBC\xAF", "a 7z archive"],
  ["Rar!", "a RAR archive"],
  ["\x28\xB5\x2F\xFD", "a file compressed with zstd"],
  ["\x7FELF", "a program"],
  ["MZ", "a program"],
  ["<?xml", "an XML file, as PMML models are"],
  ["<PMML", "a PMML model"],
  ["<!DOCTYPE html", "a web page"],
  ["<html", "a web page"],
  ["version https://git-lfs", "a Git LFS pointer; run git lfs pull to get the model itself"],
];

/** Words for what the file is; `zip with schema.json` for a skops archive,
 * `zip with model.weights.h5` and `HDF5` for Keras, null for what is not known. */
export function foreignKind(source: ByteSource, head: Buffer): string | null {
  const text = head.toString("latin1");
  if (text.startsWith("PK\x03\x04") || text.startsWith("PK\x05\x06")) return zipKind(source);
  const known = beginnings.find(([beginning]) => text.startsWith(beginning));
  if (known !== undefined) return known[1];
  if (text.slice(4, 8) === "TFL3") return "a TensorFlow Lite model";
  if (text.slice(257, 262) === "ustar") return "a tar archive";
  if (looksLikeSafetensors(source)) return "safetensors";
  return null;
}

function zipKind(source: ByteSource): string {
  // Archives that openZip refuses still keep their names near the end, in plain sight.
  const from = Math.max(0, source.size - (1 << 16));
  const tail = source.read(from, source.size - from).toString("latin1");
  // Cut short, it is still told by how PyTorch pads its first member.
  if (/FB[^]{2}\0?Z{4}/.test(source.read(0, Math.min(source.size, 256)).toString("latin1")))
    return "zip of PyTorch";
  if (/\/(data\.pkl|archive_format|serialized_exported_program\.json)(PK|[^ -~]{2})/.test(tail))
    return "zip of PyTorch";
  if (tail.includes("model.weights.h5")) return "zip with model.weights.h5";
  if (tail.includes(schemaFile)) return "zip with schema.json";
  try {
    const { names } = openZip(source);
    const arrays = names.length > 0 && names.every((name) => name.endsWith(".npy"));
    return arrays ? "a zip archive of numpy arrays" : "a zip archive";
  } catch (error) {
    if (error instanceof Unreadable) return "a damaged zip archive";
    throw error;
  }
}
