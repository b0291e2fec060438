// TensorFlow SavedModels: a folder with saved_model.pb. Every graph in it is judged, its signature read.
import { posix } from "node:path";
import { readMetaGraphs, type MetaGraph, type NamedTensor } from "../savedmodel/graph.ts";
import { graphFile } from "../savedmodel/folder.ts";
import { judgeGraph } from "../savedmodel/judge.ts";
import { noFacts, quote, type Facts, type Finding, type Reading } from "../reading.ts";
import type { Input } from "./input.ts";

/** The signature that is served. */
const served = "serving_default";

/** Reads a model without making any of its graphs. @throws Unreadable when it is damaged. */
export function readSavedModel(input: Input): Reading {
  const { source, file, trust } = input;
  const findings: Finding[] = [];
  const globals = new Map<string, number>();
  const report = (offset: number | null, rule: string, message: string, global: string | null): void => {
    findings.push({ file, offset, global, rule, message });
  };
  const graphs = readMetaGraphs(source);
  for (const graph of graphs) {
    judgeGraph(graph, new Set(trust), globals, report);
    for (const asset of graph.assets) {
      if (!isInside(input, asset))
        report(null, "external-data", `its asset ${quote(asset)} is not a file of its folder`, null);
    }
  }
  const folder = posix.dirname(file);
  // TensorFlow would read these instead, or in addition.
  for (const twin of ["saved_model.pbtxt", "saved_model.cpb"]) {
    if (input.files.has(posix.join(folder, twin)))
      report(null, "two-faces", `it has a second graph in ${twin}`, null);
  }
  const graph = graphs.find(({ tags }) => tags.length === 1 && tags[0] === "serve") ?? null;
  const facts = findings.length > 0 || graph === null ? noFacts : factsOf(graph);
  const lacks = lackOf(input, graph);
  return { facts, findings, globals, ...(lacks === null ? {} : { lacks }) };
}

function isInside({ file, files }: Input, asset: string): boolean {
  const plain = asset !== "" && !/[\\\0]/.test(asset) && !asset.split("/").includes("..");
  return plain && files.has(posix.join(posix.dirname(file), "assets", asset));
}

function lackOf({ file, files }: Input, graph: MetaGraph | null): string | null {
  if (
    posix.basename(file) !== graphFile ||
    !files.has(posix.join(posix.dirname(file), "variables/variables.index"))
  )
    return `the graph of a SavedModel without its variables: give model.path the folder that holds ${graphFile}`;
  if (graph === null) return 'a SavedModel without a graph of the one tag "serve"';
  return graph.signatures.has(served) ? null : `a SavedModel without the signature ${served}`;
}

/**
 * A single input of n columns has no names, only a count; several inputs of one column each are the
 * features by name. A signature has no order, so the names are sorted.
 */
function factsOf(graph: MetaGraph): Facts {
  const inputs = graph.signatures.get(served)?.inputs ?? [];
  const [only] = inputs;
  const single = inputs.length === 1 && only !== undefined ? widthOf(only) : null;
  const columns = inputs.length > 1 && inputs.every((input) => widthOf(input) === 1);
  return {
    ...noFacts,
    estimator: "tensorflow.SavedModel",
    libraries: { tensorflow: graph.version },
    featureNames: columns ? inputs.map(({ name }) => name) : null,
    featureCount: columns ? inputs.length : single,
  };
}

/** Columns that an input takes, null when it is not a table. */
function widthOf({ shape }: NamedTensor): number | null {
  if (shape === null || shape.length < 1 || shape.length > 2) return null;
  const width = shape[1] ?? 1;
  return width > 0 ? width : null;
}
