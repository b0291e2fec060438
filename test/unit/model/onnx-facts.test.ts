// ONNX: what the last operator and the inputs of a graph say of task and features.
import { describe, expect, test } from "vitest";
import { factsOfGraph, type GraphFacts, type GraphValue } from "../../../src/model/formats/onnx-facts.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { fileWith } from "./folder.ts";
import { field, onnxModel } from "./messages.ts";

const float = (name: string, ...shape: (number | null)[]): GraphValue => ({ name, element: 1, shape });
const graph = (more: Partial<GraphFacts>): GraphFacts => ({
  producer: null,
  inputs: [float("X", null, 4)],
  outputs: [float("Y", null, 1)],
  initializers: new Set(),
  classes: null,
  makers: new Map(),
  ...more,
});

describe("the task of a network", () => {
  test.each<[string, GraphValue, string | null]>([
    ["Sigmoid", float("Y", null, 1), "binary"],
    ["Sigmoid", float("Y", null), "binary"],
    ["Softmax", float("Y", null, 2), "binary"],
    ["Softmax", float("Y", null, 3), "multiclass"],
    ["Gemm", float("Y", null, 1), "regression"],
    ["Gemm", float("Y", null, 3), null],
    ["Softmax", float("Y", null, null), null],
  ])("%s makes %j", (maker, output, task) => {
    expect(factsOfGraph(graph({ outputs: [output], makers: new Map([["Y", maker]]) })).task).toBe(task);
  });

  test("is read from the graph, not from a function of the same tensor", async () => {
    const made = (operator: string) => Buffer.concat([field(2, "Y"), field(4, operator)]);
    const inside = field(25, Buffer.concat([field(1, "F"), field(7, made("Sigmoid")), field(10, "own")]));
    const task = async (bytes: Buffer) => (await inspectModel(fileWith("m.onnx", bytes), { trust: [] })).task;
    expect(await task(onnxModel([field(1, made("Sigmoid"))]))).toBe("binary");
    expect(await task(onnxModel([field(1, made("Neg"))], inside))).toBe("regression");
  });
});

describe("the features of a graph", () => {
  test("vectors and columns are features by name, blocks are not", () => {
    expect(factsOfGraph(graph({ inputs: [float("b", null), float("a", null, 1)] })).featureNames).toEqual([
      "b",
      "a",
    ]);
    expect(
      factsOfGraph(graph({ inputs: [float("b", null, 2), float("a", null, 1)] })).featureNames,
    ).toBeNull();
    expect(
      factsOfGraph(graph({ inputs: [float("b", null), { name: "s", element: null, shape: null }] }))
        .featureNames,
    ).toBeNull();
  });
});
