// What tests of bypasses share: an inert payload, and the findings of a walk as short texts.
import { bytesOf } from "../../../src/model/bytes.ts";
import { walkPickle } from "../../../src/model/pickle/walk.ts";
import { global, pickle, text } from "./pickles.ts";

const walk = (stream: Uint8Array) => walkPickle(bytesOf(stream), "m", []);
export const found = (stream: Uint8Array): string[] =>
  walk(stream).findings.map(({ rule, global: name }) => (name === null ? rule : `${rule} ${name}`));

/** Imports and calls `posix.system("true")`, leaving the result on the stack. */
export const payload = pickle(global("posix", "system"), text("true"), "\x85R");
export const imported = "unknown-global posix.system";
export const longBytes = (value: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return pickle("B", length, value);
};
