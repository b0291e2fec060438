// HDF5: what Keras writes is walked to its end, all that reaches beyond the file or is not known is refused.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { readHdf5 } from "../../../src/model/hdf5/file.ts";
import { Unreadable } from "../../../src/model/unreadable.ts";
import { openZip } from "../../../src/model/zip.ts";

const fixtures = join(import.meta.dirname, "../../../fixtures");
const folder = join(fixtures, "hdf5");
const bytesIn = (name: string): Buffer => readFileSync(join(folder, `${name}.h5`));
const walk = (bytes: Buffer) => readHdf5(bytesOf(bytes));

describe("hdf5", () => {
  test.each([
    ["external-link", "external-data", "lies in another file"],
    ["external-storage", "external-data", "lie in another file"],
    ["nested", "external-data", '"/a/b/c/w"'],
    ["soft-link", "external-data", "is a link"],
    ["virtual", "external-data", "put together from others"],
    ["filter", "filter", "filter 32000"],
  ])("%s is refused", (name, rule, words) => {
    const { escapes } = walk(bytesIn(name));
    expect(escapes).toEqual([expect.objectContaining({ rule, message: expect.stringContaining(words) })]);
  });

  test("HDF5's own compression passes", () => {
    expect(walk(bytesIn("packed")).escapes).toEqual([]);
  });

  test.each(["latest", "fixed"])("the configuration is found in %s", (name) => {
    expect(walk(bytesIn(name)).attributes.get("model_config")).toContain('"Sequential"');
  });

  test("a heap of links, which Keras does not write, is not guessed at", () => {
    expect(() => walk(bytesIn("many"))).toThrow(Unreadable);
  });

  test("weights inside a .keras archive are walked", () => {
    const zip = openZip(bytesOf(readFileSync(join(fixtures, "formats/keras-inputs-binary/model.keras"))));
    expect(walk(zip.read("model.weights.h5", 2 ** 20)).escapes).toEqual([]);
  });

  const whole = readFileSync(join(fixtures, "formats/keras-h5-regression/model.h5"));

  test("a file that is cut short anywhere is damaged", () => {
    for (let size = 0; size < whole.length; size += 97) {
      expect(() => walk(whole.subarray(0, size))).toThrow(Unreadable);
    }
  });

  test("changed bytes end in an answer or in Unreadable, never in anything else", () => {
    const samples = [
      whole,
      ...readdirSync(folder)
        .filter((name) => name.endsWith(".h5"))
        .map((name) => readFileSync(join(folder, name))),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (sample, changes) => {
          const bytes = Buffer.from(sample);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          try {
            walk(bytes);
          } catch (error) {
            if (!(error instanceof Unreadable)) throw error;
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
