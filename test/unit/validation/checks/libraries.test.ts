// Versions that differ from the saved ones: which fail, which warn, which are the same.
import { expect, test } from "vitest";
import { inspectLibraries } from "../../../../src/validation/checks/libraries.ts";

test.each([
  ["scikit-learn", "1.6.1", "1.6.1", null],
  ["scikit-learn", "1.6.1", "1.6.0", "fail"],
  ["scikit-learn", "1.6.1", "1.6.2", "warn"],
  ["scikit-learn", "1.6.1", "1.7.0", "fail"],
  ["scikit-learn", "1.9.0", "1.10.0", "fail"],
  ["xgboost", "3.0.0", "3.1.0", "warn"],
  ["xgboost", "3.1.0", "3.0.5", "fail"],
  ["torch", "2.9.0+cpu", "2.9.0", null],
  ["torch", "2.9.0+cpu", "2.10.0+cu128", "warn"],
  ["keras", "3.15", "3.15.0", null],
  ["catboost", "1.2.10", "1.2.9", "fail"],
])("%s saved with %s and run with %s: %s", (name, was, is, severity) => {
  const found = inspectLibraries({ [name]: was }, { [name]: is, numpy: "2.0.0" });
  expect(found.map((finding) => [finding.code, finding.severity])).toEqual(
    severity === null ? [] : [["libraries.skew", severity]],
  );
});

test("a version that a model does not say, or that is not there, is no difference", () => {
  expect(inspectLibraries({ onnxruntime: null, lightgbm: "4.6.0" }, { onnxruntime: "1.27.0" })).toEqual([]);
});
