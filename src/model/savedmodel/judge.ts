// Judges the operators of a TensorFlow graph, in all of its functions, whether anything calls them or not.
import { quote } from "../reading.ts";
import { operators, restoringOperators, savingOperators } from "./operators.ts";
import type { GraphNode, MetaGraph } from "./graph.ts";

/** Tells of an operator that a model should not have. */
export type Report = (offset: number, rule: string, message: string, global: string) => void;

/** Operators that reach files, Python or other graphs, whoever is trusted. */
const refused =
  /^(ReadFile|WriteFile|MatchingFiles|(Eager)?PyFunc(Stateless)?|Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|ShardedFilename|ImmutableConst|PrintV2|.*Dataset.*|.*Iterator.*|.*Reader(V2)?|Debug.*|XlaCallModule|XlaCustomCall(V2)?|RemoteCall|MlirPassthroughOp)$/;

/** @param globals told of every operator with how often it occurs. */
export function judgeGraph(
  graph: MetaGraph,
  trust: ReadonlySet<string>,
  globals: Map<string, number>,
  report: Report,
): void {
  const saver = saverOf(graph);
  const told = new Set<string>();
  const judge = (node: GraphNode, place: string): void => {
    const { operator } = node;
    const shown = /^[\w.>]{1,200}$/.test(operator) ? operator : quote(operator);
    globals.set(shown, (globals.get(shown) ?? 0) + 1);
    if (operators.has(operator) || isCall(operator, graph) || saver(operator, place)) return;
    const reaches = refused.test(operator);
    if ((!reaches && trust.has(operator)) || told.has(operator)) return;
    told.add(operator);
    if (told.size > 200) return;
    const why = reaches ? "reaches beyond the model" : "is not one of those that only compute";
    report(node.offset, reaches ? "operator" : "custom-operator", `its operator ${shown} ${why}`, shown);
  };
  for (const node of graph.nodes) judge(node, nodePlace(node.name));
  for (const [name, nodes] of graph.functions) for (const node of nodes) judge(node, functionPlace(name));
}

/** A function of the library may be called as if it were an operator; no operator is called like these. */
function isCall(operator: string, graph: MetaGraph): boolean {
  return /^__\w+_\d+$/.test(operator) && graph.functions.has(operator);
}

const nodePlace = (name: string): string => `node ${name}`;
const functionPlace = (name: string): string => `function ${name}`;

/**
 * Every SavedModel can save itself again, so it holds operators that write files. They are let be in what
 * only the saver reaches: no signature, no object of the model and nothing that loading runs.
 */
function saverOf(graph: MetaGraph): (operator: string, place: string) => boolean {
  const signed = [...graph.signatures.values()].flatMap(({ outputs }) => outputs.map(({ tensor }) => tensor));
  const starts = [...graph.first, ...signed.map((tensor) => tensor.replace(/:\d+$/, ""))].map(nodePlace);
  const running = reached(graph, [...starts, ...graph.methods.map(functionPlace)]);
  const saving = reached(graph, [nodePlace(graph.saver.save)]);
  const restoring = reached(graph, [nodePlace(graph.saver.restore)]);
  return (operator, place) => {
    if (running.has(place)) return false;
    if (restoring.has(place)) return restoringOperators.has(operator);
    return saving.has(place) && savingOperators.has(operator);
  };
}

/** The nodes that these need, and the functions that those call, and so on. */
function reached(graph: MetaGraph, starts: readonly string[]): Set<string> {
  const nodes = new Map(graph.nodes.map((node) => [nodePlace(node.name), node]));
  const found = new Set<string>();
  const open = [...starts];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (found.has(place)) continue;
    found.add(place);
    const node = nodes.get(place);
    if (node !== undefined) open.push(...node.inputs.map(nodePlace), ...callsOf(node));
    if (!place.startsWith("function ")) continue;
    const inside = graph.functions.get(place.slice("function ".length)) ?? [];
    for (const each of inside) open.push(...callsOf(each));
  }
  return found;
}

function callsOf({ operator, calls }: GraphNode): string[] {
  return [...calls, operator].map(functionPlace);
}
