// Labels of a file match the classes of a model, and the task follows from both; contradictions are errors.
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import type { Label, Task } from "../../../src/model/model.ts";
import { encodeLabels } from "../../../src/validation/labels.ts";
import { Series } from "../../../src/validation/series.ts";
import { inferTask } from "../../../src/validation/task.ts";

test.each<[Label[], Label[], number[]]>([
  [
    [0, 1, 1],
    [0, 1],
    [0, 1, 1],
  ],
  [
    [0, 1],
    [1, 0],
    [1, 0],
  ],
  [
    [1, 0],
    ["0", "1"],
    [1, 0],
  ],
  [
    [true, false],
    ["False", "True"],
    [1, 0],
  ],
  [
    [true, false],
    [0, 1],
    [1, 0],
  ],
  [
    [0, 1],
    [false, true],
    [0, 1],
  ],
  [
    ["benign", "malignant"],
    ["benign", "malignant"],
    [0, 1],
  ],
  [
    [0.5, 1.5],
    [0.5, 1.5],
    [0, 1],
  ],
])("labels %j match classes %j", (labels, classes, places) => {
  expect([...encodeLabels(Series.of(labels), classes, "y")]).toEqual(places);
});

test("a label that the model does not know is named, with the classes that it knows", () => {
  const encode = () => encodeLabels(Series.of(["benign", "malignant", "benign"]), [0, 1], 'column "y"');
  expect(encode).toThrow(
    expect.objectContaining({
      code: "data.unknown-label",
      what: 'column "y" holds labels that the model does not know: "benign", "malignant"',
      why: "the classes of the model are 0, 1",
      exit: "usage",
    }),
  );
  expect(() => encodeLabels(Series.of([0, 1]), ["a", "b"], "y")).toThrow(MlshipError);
});

interface Case {
  asked?: Task;
  task?: Task;
  classes?: Label[];
  type?: "float64" | "int64" | "string" | "bool";
  labels: Label[];
}

const infer = ({ asked, task, classes, type = "int64", labels }: Case) =>
  inferTask({
    asked: asked ?? "auto",
    model: { task: task ?? null, classes: classes ?? null },
    target: { file: "d.csv", name: "y", type, labels },
  });

describe("task", () => {
  test.each<[Task, Case]>([
    ["binary", { labels: [0, 1, 0] }],
    ["binary", { labels: [1, 2, 2] }],
    ["binary", { labels: ["a", "b"], type: "string" }],
    ["binary", { labels: [0, 1], type: "float64" }],
    ["multiclass", { labels: ["a", "b", "c"], type: "string" }],
    ["multiclass", { labels: [0, 1, 2] }],
    ["regression", { labels: [10, 20, 30] }],
    ["regression", { labels: [0.5, 1.5], type: "float64" }],
    ["regression", { labels: [0, 1, 2], task: "regression" }],
    ["multiclass", { labels: [0, 1], classes: [0, 1, 2] }],
    ["binary", { labels: [0, 1], classes: [0, 1] }],
    ["multiclass", { labels: [0, 1, 5], asked: "multiclass" }],
  ])("is %s for %j", (task, evidence) => {
    expect(infer(evidence)).toBe(task);
  });

  test.each<[string, Case]>([
    ["data.task", { asked: "regression", classes: [0, 1], labels: [0, 1] }],
    ["data.task", { asked: "binary", labels: [0, 1, 2] }],
    ["data.task", { asked: "binary", task: "regression", labels: [0, 1] }],
    ["data.task", { task: "regression", labels: ["a", "b"], type: "string" }],
    ["data.one-class", { labels: [1, 1, 1], classes: [0, 1] }],
    ["data.one-class", { labels: ["a", "a"], type: "string" }],
  ])("is %s for %j", (code, evidence) => {
    expect(() => infer(evidence)).toThrow(expect.objectContaining({ code, exit: "usage" }));
  });

  test("a constant target can be the truth of a regression", () => {
    expect(infer({ task: "regression", labels: [1, 1] })).toBe("regression");
  });
});
