// Which saved versions a model insists on: those that its requirements pin, and no other.
import { expect, test } from "vitest";
import { exactLibraries, requirementsOf } from "../../../src/model/requirements.ts";

test("what later versions read, and what no requirement can name, is not insisted on", () => {
  const libraries = {
    "scikit-learn": "1.6.1",
    xgboost: "3.0.0",
    skops: "0.13.0",
    tensorflow: "2.20.0",
    torch: "2.9.0+cpu",
    numpy: null,
  };
  expect(exactLibraries({ libraries })).toEqual({ "scikit-learn": "1.6.1", xgboost: "3.0.0" });
  const required = requirementsOf({ format: "skops", libraries, featureNames: null }, []);
  expect(required.filter((line) => /^[\w-]+==/.test(line))).toEqual([
    "scikit-learn==1.6.1",
    expect.stringContaining("xgboost-cpu==3.0.0"),
    expect.stringContaining("xgboost==3.0.0"),
  ]);
});

test("a version that only bounds keeps the range that the loader needs", () => {
  const of = (libraries: Record<string, string>, format: "pytorch" | "catboost") =>
    requirementsOf({ format, libraries, featureNames: null }, []).filter((line) => !line.startsWith("safe"));
  expect(of({ torch: "2.15.0" }, "pytorch")).toEqual(["torch>=2.15.0,<3"]);
  // What 2.9 wrote, 2.10 reads; 2.9 itself is not safe to load with.
  expect(of({ torch: "2.9.1" }, "pytorch")).toEqual(["torch>=2.10,<3"]);
  expect(of({ catboost: "1.0.6" }, "catboost")).toEqual(["catboost>=1.2,<2"]);
  expect(of({ catboost: "1.2.10" }, "catboost")).toEqual(["catboost>=1.2.10,<2"]);
});
