// ONNX weights outside the .onnx file: they must be files of the same model, and lie inside them.
import { posix } from "node:path";
import { fieldsOf, messageOf, textOf, type Field } from "./wire.ts";
import { quote } from "../reading.ts";
import type { Input } from "./input.ts";

/** Says why a tensor's external data are refused, or null. `entries` are its StringStringEntryProtos. */
export function checkExternal({ source, file, files }: Input, entries: readonly Field[]): string | null {
  const named = new Map<string, string>();
  for (const entry of entries) {
    let [key, value] = ["", ""];
    for (const field of fieldsOf(source, messageOf(entry))) {
      if (field.number === 1) key = textOf(source, field);
      if (field.number === 2) value = textOf(source, field);
    }
    if (named.has(key)) return `its weights lie elsewhere, and it says ${quote(key)} twice`;
    named.set(key, value);
  }
  const location = named.get("location") ?? "";
  const plain = location !== "" && !/^[A-Za-z]:|[\\\0]/.test(location) && !posix.isAbsolute(location);
  const path = posix.normalize(posix.join(posix.dirname(file), location));
  if (!plain || path.startsWith("../") || location.split("/").includes("..")) {
    return `its weights lie outside the model, in ${quote(location)}`;
  }
  const target = files.get(path);
  if (target === undefined)
    return `its weights lie in ${quote(location)}, which is not one of the model's files`;
  const [offset, length] = [named.get("offset") ?? "0", named.get("length") ?? "0"];
  const numeric = /^\d{1,15}$/.test(offset) && /^\d{1,15}$/.test(length);
  if (!numeric || Number(offset) + Number(length) > target.size) {
    return `its weights lie beyond the end of ${quote(location)}`;
  }
  return null;
}
