// What the inputs and outputs of an ONNX graph say about features, classes and task.
import { fieldsOf, messageOf, textOf, type Range } from "./wire.ts";
import type { ByteSource } from "../bytes.ts";
import type { Task } from "../model.ts";
import type { Facts } from "../reading.ts";

/** An input or output. `shape` is null for what is no tensor; unknown sizes are null. */
export interface GraphValue {
  name: string;
  /** TensorProto.DataType, or null for sequences and maps. */
  element: number | null;
  shape: (number | null)[] | null;
}

export interface GraphFacts {
  producer: string | null;
  inputs: GraphValue[];
  outputs: GraphValue[];
  /** Names of constants: older models list them among the inputs. */
  initializers: Set<string>;
  classes: (string | number)[] | null;
  /** The operator that makes each tensor of the graph. */
  makers: Map<string, string>;
}

/** TensorProto.DataType of whole numbers, texts and truth values: labels rather than scores. */
const labelTypes = new Set([6, 7, 8, 9]);

/** A ValueInfoProto. */
export function readValue(source: ByteSource, range: Range): GraphValue {
  const value: GraphValue = { name: "", element: null, shape: null };
  for (const field of fieldsOf(source, range)) {
    if (field.number === 1) value.name = textOf(source, field);
    if (field.number !== 2) continue;
    for (const kind of fieldsOf(source, messageOf(field))) {
      if (kind.number === 1) readTensorType(source, messageOf(kind), value);
    }
  }
  return value;
}

function readTensorType(source: ByteSource, range: Range, value: GraphValue): void {
  for (const field of fieldsOf(source, range)) {
    if (field.number === 1) value.element = Number(field.value);
    if (field.number !== 2) continue;
    value.shape = [];
    for (const dimension of fieldsOf(source, messageOf(field))) {
      if (dimension.number !== 1) continue;
      let size: number | null = null;
      for (const part of fieldsOf(source, messageOf(dimension))) {
        if (part.number === 1 && part.value > 0n && part.value < 2n ** 40n) size = Number(part.value);
      }
      value.shape.push(size);
    }
  }
}

/**
 * Facts of a graph. A single input of n columns has no names, only a count; several inputs of one
 * column each are the features by name.
 */
export function factsOfGraph(graph: GraphFacts): Facts {
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const [only] = inputs;
  const columns = inputs.length > 1 && inputs.every(({ shape }) => shape !== null && isColumn(shape));
  const width = inputs.length === 1 && only?.shape?.length === 2 ? (only.shape[1] ?? null) : null;
  const { classes, task } = outcome(graph);
  return {
    estimator: graph.producer === null || graph.producer === "" ? null : graph.producer,
    libraries: { onnxruntime: null },
    featureNames: columns ? inputs.map(({ name }) => name) : null,
    featureCount: columns ? inputs.length : width,
    classes,
    task,
  };
}

/** One value per row: a vector, or a matrix of one column. */
function isColumn(shape: readonly (number | null)[]): boolean {
  return shape.length === 1 || (shape.length === 2 && shape[1] === 1);
}

/**
 * Classifiers of scikit-learn give a label first; networks end in a sigmoid or a softmax; regressors give
 * one column of floats.
 */
function outcome({ outputs, classes, makers }: GraphFacts): { classes: Facts["classes"]; task: Task | null } {
  const [first, second] = outputs;
  if (first?.element !== null && first?.element !== undefined && labelTypes.has(first.element)) {
    const width = classes?.length ?? second?.shape?.[1] ?? null;
    if (width === null || width < 2) return { classes, task: null };
    return { classes, task: width === 2 ? "binary" : "multiclass" };
  }
  const scores = outputs.length === 1 && first?.element !== null;
  const single = first?.shape?.length === 1 || first?.shape?.[1] === 1;
  const maker = makers.get(first?.name ?? "");
  const width = first?.shape?.length === 2 ? (first.shape[1] ?? null) : null;
  if (scores && single && maker === "Sigmoid") return { classes: null, task: "binary" };
  if (scores && width !== null && width > 1 && maker === "Softmax")
    return { classes: null, task: width === 2 ? "binary" : "multiclass" };
  return { classes: null, task: scores && single && classes === null ? "regression" : null };
}
