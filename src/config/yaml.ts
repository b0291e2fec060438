// Reads YAML into plain values and remembers where each one stands. What is unclear is a problem.
import {
  type ErrorCode,
  LineCounter,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  type Node,
  type Pair,
  type YAMLError,
} from "yaml";
import type { Place, Problem } from "../errors.ts";
import { showPath, type Path } from "./tree.ts";

/** Where a value and its key stand. */
interface Spot {
  value: Place;
  key: Place;
}

/** A YAML document as plain values. */
export interface YamlText {
  /**
   * Mappings, lists, texts, numbers, booleans and nulls; no cycles, no key `__proto__`. Undefined
   * when there are problems that leave the text as a whole unread.
   */
  value: unknown;
  problems: Problem[];
  /** Place of the value at a path, or of the nearest one above it. */
  valueAt(path: Path): Place;
  /** Place of the key at a path, or of the nearest one above it. */
  keyAt(path: Path): Place;
}

const maxValues = 10_000;
const maxDepth = 40;
const maxSyntaxProblems = 10;
const tooMuch = `holds more than ${maxValues} values, or values nested more than ${maxDepth} deep`;

const syntax: Partial<Record<ErrorCode, [what: string, fix?: string]>> = {
  TAB_AS_INDENT: ["a tab indents this line", "indent with blanks; YAML allows no tabs here"],
  DUPLICATE_KEY: ["this key is written twice", "keep one of them"],
  MULTIPLE_DOCS: ["a second document begins here", "keep one document; remove the line ---"],
  NON_STRING_KEY: ["this key is not a text", "write the key as a plain word"],
  TAG_RESOLVE_FAILED: ["this YAML tag is not known", "remove the tag"],
  RESOURCE_EXHAUSTION: [tooMuch, "check the brackets"],
};

/** @param file its name in places and messages. */
export function readYaml(text: string, file: string): YamlText {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, stringKeys: true, logLevel: "error" } as const;
  const document = parseDocument(text, options);
  const reader = new Reader(file, lines);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = firstPerLine(faults.map((fault) => reader.explain(fault)));
    return { value: undefined, problems, valueAt: () => ({ file }), keyAt: () => ({ file }) };
  }
  const value = document.contents ? reader.read(document.contents, [], { file }) : null;
  return {
    value: reader.whole ? value : undefined,
    problems: reader.problems,
    valueAt: (path) => reader.spotAt(path).value,
    keyAt: (path) => reader.spotAt(path).key,
  };
}

/** One mistake makes a parser complain many times: the first word on each line is the useful one. */
function firstPerLine(problems: Problem[]): Problem[] {
  const seen = new Map<number | undefined, Problem>();
  for (const problem of problems) if (!seen.has(problem.at?.line)) seen.set(problem.at?.line, problem);
  return [...seen.values()].slice(0, maxSyntaxProblems);
}

class Reader {
  readonly problems: Problem[] = [];
  /** False once a value could not be read: what was read around it says nothing. */
  whole = true;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #spots = new Map<string, Spot>();
  readonly #anchors = new Map<string, Node>();
  #values = 0;
  #overflowed = false;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  /** The plain value of a node. An anchor is known once its node ends, so nothing can hold itself. */
  read(node: Node, path: Path, key: Place): unknown {
    const at = this.#placeOf(node);
    this.#spots.set(JSON.stringify(path), { value: at, key });
    if (++this.#values > maxValues || path.length > maxDepth) return this.#overflow(at);
    if (isAlias(node)) {
      const anchored = this.#anchors.get(node.source);
      if (anchored) return this.read(anchored, path, key);
      return this.#refuse(at, `the alias *${node.source} has no anchor before it`, "write the value itself");
    }
    const value = this.#contents(node, path, at);
    if (node.anchor) this.#anchors.set(node.anchor, node);
    return value;
  }

  explain(error: YAMLError): Problem {
    const at = this.#place(error.pos[0]);
    const [what, fix] = syntax[error.code] ?? [`is not YAML: ${error.message.replaceAll(/\s+/g, " ")}`];
    return fix === undefined ? { what, at } : { what, fix, at };
  }

  spotAt(path: Path): Spot {
    const top = { file: this.#file };
    if (path.length === 0) return this.#spots.get("[]") ?? { value: top, key: top };
    return this.#spots.get(JSON.stringify(path)) ?? this.spotAt(path.slice(0, -1));
  }

  #contents(node: Node, path: Path, at: Place): unknown {
    if (isMap(node)) return node.tag ? this.#refuseTag(at) : this.#mapping(node.items, path);
    if (isSeq<Node>(node)) {
      return node.tag
        ? this.#refuseTag(at)
        : node.items.map((item, index) => this.read(item, [...path, index], at));
    }
    if (
      isScalar(node) &&
      (node.value === null || ["string", "number", "boolean"].includes(typeof node.value))
    ) {
      return node.value;
    }
    return this.#refuseTag(at);
  }

  #mapping(pairs: Pair[], path: Path): unknown {
    const entries: [string, unknown][] = [];
    for (const { key, value } of pairs) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      const at = this.#placeOf(key);
      if (name === "__proto__") {
        const what = `${showPath([...path, name])} is not a key of mlship.yaml`;
        this.problems.push({ what, fix: "remove it", at });
        continue;
      }
      entries.push([name, isNode(value) ? this.read(value, [...path, name], at) : null]);
      if (!isNode(value)) this.#spots.set(JSON.stringify([...path, name]), { value: at, key: at });
    }
    return Object.fromEntries(entries);
  }

  #refuseTag(at: Place): undefined {
    return this.#refuse(at, "this YAML tag has no meaning in mlship.yaml", "remove the tag");
  }

  #overflow(at: Place): undefined {
    if (this.#overflowed) return undefined;
    this.#overflowed = true;
    return this.#refuse(at, tooMuch, "write the values out, without anchors and aliases");
  }

  #refuse(at: Place, what: string, fix: string): undefined {
    this.problems.push({ what, fix, at });
    this.whole = false;
    return undefined;
  }

  #placeOf(node: Node): Place {
    return node.range ? this.#place(node.range[0]) : { file: this.#file };
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return line > 0 ? { file: this.#file, line, column: col } : { file: this.#file };
  }
}
