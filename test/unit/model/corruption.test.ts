// Whatever happens to a model's bytes, reading them ends, in facts or in one clear error.
import { readFileSync, statSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { bytesOf, type ByteSource } from "../../../src/model/bytes.ts";
import { kindOf } from "../../../src/model/format.ts";
import { fieldsOf } from "../../../src/model/formats/wire.ts";
import { readModel } from "../../../src/model/scan.ts";
import { opcodes as knownOpcodes } from "../../../src/model/pickle/opcodes.ts";
import { walkPickle } from "../../../src/model/pickle/walk.ts";
import { Unreadable } from "../../../src/model/unreadable.ts";
import type { ModelFormat } from "../../../src/model/model.ts";
import { fixtures } from "./folder.ts";

function readInMemory(bytes: Buffer, format: ModelFormat): number {
  const opened = {
    format,
    entry: "m",
    source: bytesOf(bytes),
    files: [],
    digest: "sha256:0" as const,
    size: bytes.length,
    mlflow: null,
    handler: false,
    open: () => bytesOf(bytes),
    within: <T>(_file: string, read: (source: ByteSource) => T): T => read(bytesOf(bytes)),
    close: () => {},
  };
  try {
    kindOf(bytesOf(bytes));
  } catch (error) {
    if (!(error instanceof Unreadable) && !(error instanceof MlshipError)) throw error;
  }
  return readModel(opened, []).findings.length;
}

/** Bytes up to the last one without which the model is not whole: some formats end with notes. */
function neededOf(whole: Buffer, format: ModelFormat): number {
  if (format === "lightgbm") return whole.indexOf("end of trees") + "end of trees".length;
  // Text dictionaries follow the trees, and only CatBoost can read those.
  if (format === "catboost") return 8 + whole.readUInt32LE(4);
  if (format !== "onnx") return whole.length;
  const graph = [...fieldsOf(bytesOf(whole), { start: 0, end: whole.length })].find(
    ({ number }) => number === 7,
  );
  // Behind the graph come the versions of its operators, of which at least the first byte is needed.
  return (graph?.range?.end ?? 0) + 1;
}

const formatOf = (name: string): ModelFormat => {
  const [first] = name.split("-");
  return first as ModelFormat;
};

/** Models of one file that is read; those that are folders, or a handler's own, are none. */
const single = Object.entries(fixtures).filter(
  ([name, path]) => statSync(path).isFile() && !name.startsWith("python-"),
);

describe("damaged models", () => {
  test.each(single)("%s", (name, path) => {
    const whole = readFileSync(path);
    const edits = fc.array(fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(edits, fc.option(fc.nat(whole.length)), (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const { at, to } of changes) bytes[at] = to;
        expect(
          readInMemory(cut === null ? bytes : bytes.subarray(0, cut), formatOf(name)),
        ).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 25 },
    );
  });

  test.each(single)("%s cut at every place is never safe", (name, path) => {
    const whole = readFileSync(path);
    const format = formatOf(name);
    const needed = neededOf(whole, format);
    fc.assert(
      fc.property(fc.nat(needed - 1), (cut) => {
        const head = whole.subarray(0, cut);
        expect(readInMemory(head, format)).toBeGreaterThan(0);
      }),
      { numRuns: 25 },
    );
  });

  test("pickles made of random opcodes", () => {
    const opcodes = [...knownOpcodes.keys()].map((code) => String.fromCodePoint(code));
    const parts = fc.array(
      fc.oneof(fc.constantFrom(...opcodes), fc.constantFrom("\0", "\x01", "a\n", "1\n", "numpy\ndtype\n")),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(parts, (stream) => {
        const { findings } = walkPickle(bytesOf(Buffer.from(stream.join(""), "latin1")), "m", []);
        expect(findings.every(({ message }) => message !== "")).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
