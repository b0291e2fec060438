// Reads a TensorFlow graph without a schema: its nodes, the functions that they call, its signatures.
// Field numbers are those of meta_graph.proto, graph.proto, function.proto and saved_object_graph.proto.
import { fieldsOf, integersOf, messageOf, textOf, type Field, type Range } from "../formats/wire.ts";
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

/** One operation. `inputs` name other nodes, `calls` functions of the library. */
export interface GraphNode {
  name: string;
  operator: string;
  inputs: string[];
  calls: string[];
  offset: number;
}

/** A named input or output of a signature. */
export interface NamedTensor {
  name: string;
  /** The tensor, `node:0`. */
  tensor: string;
  /** DataType of types.proto, 0 for what is no dense tensor. */
  element: number;
  /** Rows first, -1 for any number; null for an unknown number of dimensions. */
  shape: number[] | null;
}

export interface Signature {
  inputs: NamedTensor[];
  outputs: NamedTensor[];
}

/** One graph of a SavedModel with all that can be run in it. */
export interface MetaGraph {
  tags: string[];
  version: string | null;
  nodes: GraphNode[];
  functions: Map<string, GraphNode[]>;
  signatures: Map<string, Signature>;
  /** Names of the nodes that save and restore variables. */
  saver: { save: string; restore: string };
  /** Nodes that are run when the model is loaded. */
  first: string[];
  /** Functions that belong to objects of the model: loading or using these runs them. */
  methods: string[];
  /** Names of files in the folder `assets`. */
  assets: string[];
}

const deepest = 32;
const mostNodes = 5_000_000;

/** The graphs of a SavedModel. @throws Unreadable when it is damaged. */
export function readMetaGraphs(source: ByteSource): MetaGraph[] {
  const graphs: MetaGraph[] = [];
  for (const field of fieldsOf(source, { start: 0, end: source.size })) {
    if (field.number === 2) graphs.push(new GraphReader(source).metaGraph(messageOf(field)));
  }
  if (graphs.length === 0) throw new Unreadable(0, "it holds no graph");
  return graphs;
}

class GraphReader {
  readonly #source: ByteSource;
  #count = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  metaGraph(range: Range): MetaGraph {
    const graph: MetaGraph = {
      tags: [],
      version: null,
      nodes: [],
      functions: new Map(),
      signatures: new Map(),
      saver: { save: "", restore: "" },
      first: [],
      methods: [],
      assets: [],
    };
    for (const field of this.#fields(range)) {
      const inside = messageOf(field);
      if (field.number === 1) this.#about(inside, graph);
      if (field.number === 2) this.#graph(inside, graph);
      if (field.number === 3) this.#saver(inside, graph);
      if (field.number === 4) this.#collection(inside, graph);
      if (field.number === 5) this.#signature(inside, graph);
      if (field.number === 6) graph.assets.push(...this.#texts(inside, 2));
      if (field.number === 7) this.#objects(inside, graph);
    }
    return graph;
  }

  #about(range: Range, graph: MetaGraph): void {
    graph.tags.push(...this.#texts(range, 4));
    graph.version = this.#texts(range, 5).at(-1) ?? null;
  }

  #graph(range: Range, graph: MetaGraph): void {
    for (const field of this.#fields(range)) {
      if (field.number === 1) graph.nodes.push(this.#node(field));
      if (field.number !== 2) continue;
      for (const part of this.#fields(messageOf(field))) {
        if (part.number === 1) this.#function(messageOf(part), graph);
      }
    }
  }

  #function(range: Range, graph: MetaGraph): void {
    const nodes: GraphNode[] = [];
    let name = "";
    for (const field of this.#fields(range)) {
      if (field.number === 1) name = this.#texts(messageOf(field), 1).at(-1) ?? "";
      if (field.number === 3) nodes.push(this.#node(field));
    }
    if (graph.functions.has(name)) throw new Unreadable(range.start, "two functions have one name");
    graph.functions.set(name, nodes);
  }

  #node(outer: Field): GraphNode {
    const node: GraphNode = { name: "", operator: "", inputs: [], calls: [], offset: outer.offset };
    this.#count += 1;
    if (this.#count > mostNodes) throw new Unreadable(outer.offset, "its graph has too many nodes");
    for (const field of this.#fields(messageOf(outer))) {
      if (field.number === 1) node.name = textOf(this.#source, field);
      if (field.number === 2) node.operator = textOf(this.#source, field);
      if (field.number === 3) node.inputs.push(nodeOf(textOf(this.#source, field)));
      if (field.number === 5) this.#attributes(messageOf(field), node.calls, 0);
    }
    return node;
  }

  /** A map's entry: the value is one attribute, which may name functions. */
  #attributes(entry: Range, calls: string[], depth: number): void {
    for (const field of this.#fields(entry)) {
      if (field.number === 2) this.#value(messageOf(field), calls, depth);
    }
  }

  #value(range: Range, calls: string[], depth: number): void {
    if (depth > deepest) throw new Unreadable(range.start, "its functions are nested too deep");
    for (const field of this.#fields(range)) {
      if (field.number === 10) this.#call(messageOf(field), calls, depth);
      if (field.number !== 1) continue;
      for (const item of this.#fields(messageOf(field))) {
        if (item.number === 9) this.#call(messageOf(item), calls, depth);
      }
    }
  }

  #call(range: Range, calls: string[], depth: number): void {
    calls.push(...this.#texts(range, 1));
    for (const field of this.#fields(range)) {
      if (field.number === 2) this.#attributes(messageOf(field), calls, depth + 1);
    }
  }

  #saver(range: Range, graph: MetaGraph): void {
    graph.saver = {
      save: nodeOf(this.#texts(range, 2).at(-1) ?? ""),
      restore: nodeOf(this.#texts(range, 3).at(-1) ?? ""),
    };
  }

  /** Of the collections only lists of nodes matter: some name what is run first. */
  #collection(entry: Range, graph: MetaGraph): void {
    for (const field of this.#fields(entry)) {
      if (field.number !== 2) continue;
      for (const list of this.#fields(messageOf(field))) {
        if (list.number === 1) graph.first.push(...this.#texts(messageOf(list), 1).map(nodeOf));
      }
    }
  }

  #signature(entry: Range, graph: MetaGraph): void {
    const signature: Signature = { inputs: [], outputs: [] };
    const name = this.#texts(entry, 1).at(-1) ?? "";
    for (const field of this.#fields(entry)) {
      if (field.number !== 2) continue;
      for (const part of this.#fields(messageOf(field))) {
        if (part.number === 1) signature.inputs.push(this.#tensor(messageOf(part)));
        if (part.number === 2) signature.outputs.push(this.#tensor(messageOf(part)));
      }
    }
    for (const list of [signature.inputs, signature.outputs]) list.sort((a, b) => (a.name < b.name ? -1 : 1));
    graph.signatures.set(name, signature);
  }

  #tensor(entry: Range): NamedTensor {
    const tensor: NamedTensor = { name: "", tensor: "", element: 0, shape: null };
    for (const field of this.#fields(entry)) {
      if (field.number === 1) tensor.name = textOf(this.#source, field);
      if (field.number !== 2) continue;
      for (const part of this.#fields(messageOf(field))) {
        if (part.number === 1) tensor.tensor = textOf(this.#source, part);
        if (part.number === 2) tensor.element = Number(part.value);
        if (part.number === 3) tensor.shape = this.#shape(messageOf(part));
      }
    }
    return tensor;
  }

  #shape(range: Range): number[] | null {
    const shape: number[] = [];
    for (const field of this.#fields(range)) {
      if (field.number === 3 && field.value === 1n) return null;
      if (field.number !== 2) continue;
      const [size = 0] = [...this.#fields(messageOf(field))]
        .filter(({ number }) => number === 1)
        .flatMap((part) => integersOf(this.#source, part));
      shape.push(size);
    }
    return shape;
  }

  /** The functions of the model's objects, by the keys of `concrete_functions`. */
  #objects(range: Range, graph: MetaGraph): void {
    for (const field of this.#fields(range)) {
      if (field.number === 2) graph.methods.push(...this.#texts(messageOf(field), 1));
    }
  }

  #texts(range: Range, number: number): string[] {
    const texts: string[] = [];
    for (const field of this.#fields(range))
      if (field.number === number) texts.push(textOf(this.#source, field));
    return texts;
  }

  #fields(range: Range): Generator<Field> {
    return fieldsOf(this.#source, range);
  }
}

/** The node of an input: `^name` waits for it, `name:1` takes its second output. */
function nodeOf(input: string): string {
  return input.replace(/^\^/, "").replace(/(:\w+)*$/, "");
}
