// ONNX models: the graph's operators and tensors are judged, its inputs and outputs read.
// Field numbers are those of onnx.proto3.
import { factsOfGraph, readValue, type GraphFacts } from "./onnx-facts.ts";
import { fieldsOf, integersOf, messageOf, textOf, type Field, type Range } from "./wire.ts";
import { checkExternal } from "./onnx-external.ts";
import { quote, type Finding, type Reading } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import type { Input } from "./input.ts";

const deepest = 32;
/** Domains whose operators are part of ONNX Runtime. */
const knownDomains = new Set([
  "",
  "ai.onnx",
  "ai.onnx.ml",
  "ai.onnx.preview.training",
  "com.microsoft",
  "com.microsoft.nchwc",
]);
/** Operators of known domains that run Python or load other files. */
const refusedOperators = new Set([
  "PythonOp",
  "PythonOpGrad",
  "ATen",
  "ATenGrad",
  "EPContext",
  "TritonOp",
  "ExternalFunctionOp",
]);

/** Reads a model without running its graph. @throws Unreadable when it is damaged. */
export function readOnnx(input: Input): Reading {
  const walk = new OnnxWalk(input);
  walk.model();
  return { facts: factsOfGraph(walk.facts), findings: walk.findings, globals: walk.operators };
}

class OnnxWalk {
  readonly findings: Finding[] = [];
  readonly operators = new Map<string, number>();
  readonly facts: GraphFacts = {
    producer: null,
    inputs: [],
    outputs: [],
    initializers: new Set(),
    classes: null,
    makers: new Map(),
  };
  readonly #input: Input;
  readonly #imports = new Set<string>();
  /** Domains that the graph uses. */
  readonly #needed = new Set<string>();
  /** Domains of the functions that the model brings along. */
  readonly #own = new Set<string>();
  readonly #used: { domain: string; operator: string; offset: number }[] = [];

  constructor(input: Input) {
    this.#input = input;
  }

  model(): void {
    const { source } = this.#input;
    let graphs = 0;
    let version = 0n;
    for (const field of fieldsOf(source, { start: 0, end: source.size })) {
      if (field.number === 1 && field.range === null) version = field.value;
      if (field.number === 2) this.facts.producer = textOf(source, field);
      if (field.number === 8) this.#imports.add(this.#domainOf(messageOf(field)));
      if (field.number === 7) {
        graphs += 1;
        this.#graph(messageOf(field), 0);
      }
      if (field.number === 20) this.#report(field.offset, "training", "it brings training steps along", null);
      if (field.number === 25) this.#function(messageOf(field));
    }
    if (graphs !== 1 || version < 1n)
      throw new Unreadable(source.size, "it has no graph: it is cut short or no ONNX model");
    if (this.facts.outputs.length === 0) throw new Unreadable(source.size, "its graph has no output");
    // Since IR version 3 a model says which version of each domain it needs; it comes after the graph.
    for (const domain of version < 3n ? [] : ["", "ai.onnx.ml"].filter((name) => this.#needed.has(name))) {
      if (this.#imports.has(domain)) continue;
      throw new Unreadable(source.size, "it does not say which operators it needs: it is cut short");
    }
    this.#judgeOperators();
  }

  #domainOf(range: Range): string {
    const { source } = this.#input;
    for (const field of fieldsOf(source, range)) {
      if (field.number === 1) return standard(textOf(source, field));
    }
    return "";
  }

  #graph(range: Range, depth: number): void {
    if (depth > deepest) throw new Unreadable(range.start, "its graphs are nested too deep");
    const { source } = this.#input;
    for (const field of fieldsOf(source, range)) {
      if (field.number === 1) this.#needed.add(this.#node(messageOf(field), depth));
      if (field.number === 5) this.#tensor(messageOf(field), depth === 0);
      if (field.number === 15) this.#sparse(messageOf(field), depth === 0);
      if (depth > 0) continue;
      if (field.number === 11) this.facts.inputs.push(readValue(source, messageOf(field)));
      if (field.number === 12) this.facts.outputs.push(readValue(source, messageOf(field)));
    }
  }

  #function(range: Range): void {
    const { source } = this.#input;
    for (const field of fieldsOf(source, range)) {
      if (field.number === 7) this.#node(messageOf(field), 1);
      if (field.number === 10) this.#own.add(textOf(source, field));
    }
  }

  /** Judges a node and gives its domain. */
  #node(range: Range, depth: number): string {
    const { source } = this.#input;
    let [operator, domain] = ["", ""];
    const made: string[] = [];
    for (const field of fieldsOf(source, range)) {
      if (field.number === 2 && depth === 0) made.push(textOf(source, field));
      if (field.number === 4) operator = textOf(source, field);
      if (field.number === 7) domain = textOf(source, field);
      if (field.number === 5) this.#attribute(messageOf(field), depth);
    }
    for (const tensor of made) this.facts.makers.set(tensor, operator);
    const name = domain === "" ? operator : `${domain}.${operator}`;
    const shown = /^[\w.:-]{1,200}$/.test(name) ? name : quote(name);
    this.operators.set(shown, (this.operators.get(shown) ?? 0) + 1);
    if (this.operators.size > 10_000)
      throw new Unreadable(range.start, "it has more kinds of operators than exist");
    if (!knownDomains.has(domain) || refusedOperators.has(operator)) {
      if (this.#used.length < 200) this.#used.push({ domain, operator, offset: range.start });
    }
    return standard(domain);
  }

  #attribute(range: Range, depth: number): void {
    const { source } = this.#input;
    let name = "";
    const labels: (string | number)[] = [];
    for (const field of fieldsOf(source, range)) {
      if (field.number === 1) name = textOf(source, field);
      if (field.number === 5 || field.number === 10) this.#tensor(messageOf(field), false);
      if (field.number === 22 || field.number === 23) this.#sparse(messageOf(field), false);
      if (field.number === 6 || field.number === 11) this.#graph(messageOf(field), depth + 1);
      if (!name.startsWith("classlabels_")) continue;
      if (field.number === 8) for (const label of integersOf(source, field)) labels.push(label);
      if (field.number === 9) labels.push(textOf(source, field));
    }
    if (labels.length > 0) this.facts.classes = labels;
  }

  #tensor(range: Range, named: boolean): void {
    const { source } = this.#input;
    const external: Field[] = [];
    let elsewhere = false;
    for (const field of fieldsOf(source, range)) {
      if (field.number === 8 && named) this.facts.initializers.add(textOf(source, field));
      if (field.number === 13) external.push(field);
      if (field.number === 14) elsewhere = field.value === 1n;
    }
    if (!elsewhere && external.length === 0) return;
    const refused = checkExternal(this.#input, external);
    if (refused !== null) this.#report(range.start, "external-data", refused, null);
  }

  #sparse(range: Range, named: boolean): void {
    for (const field of fieldsOf(this.#input.source, range)) {
      if (field.number === 1 || field.number === 2) this.#tensor(messageOf(field), named);
    }
  }

  /** At the end, since functions may be declared after the nodes that use them. */
  #judgeOperators(): void {
    for (const { domain, operator, offset } of this.#used) {
      if (refusedOperators.has(operator)) {
        this.#report(
          offset,
          "operator",
          `its operator ${operator} runs code or loads files from outside the model`,
          operator,
        );
      } else if (!this.#own.has(domain) && !this.#input.trust.includes(domain)) {
        const name = quote(domain);
        this.#report(
          offset,
          "custom-operator",
          `its operator ${quote(operator)} is of the custom domain ${name}`,
          domain,
        );
      }
    }
  }

  #report(offset: number, rule: string, message: string, global: string | null): void {
    if (this.findings.length < 200)
      this.findings.push({ file: this.#input.file, offset, global, rule, message });
  }
}

/** `ai.onnx` and the empty domain are one. */
function standard(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}
