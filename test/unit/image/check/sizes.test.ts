// Sizes: layers get their names from the top, and the one that broke the limit is named.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import { checkSize, nameLayers, showSize } from "../../../../src/image/check/sizes.ts";
import { MlshipError } from "../../../../src/errors.ts";

const empty = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const layer = (size: number) => ({ digest: digestBytes(String(size)), size });
const planned = [
  { name: "environment" },
  { name: "server" },
  { name: "model" },
  { name: "runtime" },
] as const;

test("the topmost layers are the plan's, those below are the base, those without files are neither", () => {
  const layers = [50, 1, 40, 2, 3, 4, 0].map(layer);
  const diffIds = ["a", "b", "c", "d", "e", "f", empty];
  expect(nameLayers(layers, diffIds, planned).map(({ name }) => name)).toEqual([
    "base",
    "base",
    "environment",
    "server",
    "model",
    "runtime",
    "configuration",
  ]);
});

function failing(sizes: number[], most: number): MlshipError {
  const layers = nameLayers(sizes.map(layer), sizes.map(String), planned);
  const size = sizes.reduce((sum, one) => sum + one, 0);
  try {
    checkSize({ platform: "linux/amd64", layers, size }, most);
  } catch (error) {
    if (error instanceof MlshipError) return error;
  }
  throw new Error("the image was not too large");
}

test("names the layer with which the sum passes the limit, and its share", () => {
  const error = failing([50e6, 40e6, 1e6, 8e6, 1e6], 80e6);
  expect(error).toMatchObject({ code: "image.too-large", exit: "gate" });
  expect(error.what).toContain("100 MB, 20 MB more");
  expect(error.why).toContain("the layer environment (40 MB, 40 %) broke the limit of 80 MB");
  expect(failing([50e6, 40e6, 1e6, 8e6, 1e6], 95e6).why).toContain("the layer model");
  expect(failing([50e6, 40e6, 1e6, 8e6, 1e6], 1).why).toContain("the layer base");
});

test("an image is too large exactly when it passes the limit", () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), (size, most) => {
      const check = () => checkSize({ platform: "linux/amd64", layers: [], size }, most);
      if (size > most) expect(check).toThrow(MlshipError);
      else expect(check).not.toThrow();
    }),
  );
  expect(() => checkSize({ platform: "linux/amd64", layers: [], size: 1e12 }, null)).not.toThrow();
});

test("sizes are shown in decimal units", () => {
  expect([0, 999, 1000, 62_345_678, 1.5e9, 2e12].map(showSize)).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "62.3 MB",
    "1.5 GB",
    "2000 GB",
  ]);
});
