// TorchScript's code members: a small language that is compiled when the archive is loaded, judged by what it names.
// Source: torch/csrc/jit/serialization/import_source.cpp: `torch.x` is aten::x, `ops.n.x` is n::x, `__torch__` is code
// of the archive, and any value offers operators as methods.
import { computes, reachingMethods } from "./operators.ts";
import { Unreadable } from "../unreadable.ts";

/** A reason not to load the code. */
export interface ScriptFault {
  offset: number;
  rule: "operator" | "custom-operator" | "custom-class" | "odd-code";
  /** `aten::save`, or the name of a class in C++. */
  name: string;
}

interface Token {
  kind: "name" | "text" | "sign";
  text: string;
  offset: number;
}

/** Names that the archive's code defines: methods and functions. */
export function definitionsIn(code: string): string[] {
  const tokens = tokensOf(code);
  return tokens.flatMap(({ text }, index) => {
    const next = tokens[index + 1];
    return text === "def" && next?.kind === "name" ? [next.text] : [];
  });
}

/**
 * What of the code reaches beyond computing.
 * @param defined the names that any code of the archive defines
 * @throws Unreadable for code that no TorchScript compiler would write.
 */
export function judgeScript(code: string, defined: ReadonlySet<string>): ScriptFault[] {
  const tokens = tokensOf(code);
  const faults: ScriptFault[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const first = tokens[at];
    if (first?.kind !== "name") continue;
    const chain = [first.text];
    const isMethod = tokens[at - 1]?.text === ".";
    while (tokens[at + 1]?.text === "." && tokens[at + 2]?.kind === "name") {
      chain.push(tokens[at + 2]?.text ?? "");
      at += 2;
    }
    const called = tokens[at + 1]?.text === "(";
    const fault = isMethod ? judgeMembers(chain, called, defined) : judgeChain(chain, called, defined);
    if (fault !== null) faults.push({ ...fault, offset: first.offset });
    if (chain.at(-1) === "getattr" && called) faults.push(...judgeGetattr(tokens, at + 1));
  }
  return faults;
}

type Fault = Omit<ScriptFault, "offset"> | null;

function judgeChain(chain: readonly string[], called: boolean, defined: ReadonlySet<string>): Fault {
  const [root, second = "", third = ""] = chain;
  if (root === "torch" || root === "ops") {
    const [namespace, name] = root === "torch" ? ["aten", second] : [second, third];
    if (chain.length === (root === "torch" ? 2 : 3) && computes(namespace, name)) return null;
    const known = ["aten", "prim", "prims", "quantized"].includes(namespace);
    return {
      rule: known ? "operator" : "custom-operator",
      name: known ? `${namespace}::${name}` : namespace,
    };
  }
  if (root === "__torch__") {
    return chain.slice(0, 3).join(".") === "__torch__.torch.classes"
      ? { rule: "custom-class", name: chain.join(".") }
      : null;
  }
  return judgeMembers(chain.slice(1), called, defined);
}

/** Attributes and methods of values. */
function judgeMembers(members: readonly string[], called: boolean, defined: ReadonlySet<string>): Fault {
  const [last] = members.slice(-1);
  const reaching = members.find((name) => reachingMethods.has(name));
  if (reaching !== undefined) return { rule: "operator", name: `aten::${reaching}` };
  if (last === undefined || !called || defined.has(last) || computes("aten", last)) return null;
  return { rule: "operator", name: `aten::${last}` };
}

/** `getattr(value, "name")` reaches what `value.name` does. */
function judgeGetattr(tokens: readonly Token[], open: number): ScriptFault[] {
  const faults: ScriptFault[] = [];
  for (let at = open, depth = 0; at < tokens.length; at += 1) {
    const { kind, text, offset } = tokens[at] ?? { kind: "sign", text: ")", offset: 0 };
    if (text === "(" && kind === "sign") depth += 1;
    if (text === ")" && kind === "sign") depth -= 1;
    if (depth <= 0) break;
    if (kind === "text" && reachingMethods.has(text))
      faults.push({ rule: "operator", name: `aten::${text}`, offset });
  }
  return faults;
}

const lexer =
  /(?<space>[ \t\r\n]+|#[^\n]*)|(?<text>"""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')|(?<name>[A-Za-z_]\w*)|(?<number>[0-9][\w.]*)|(?<sign>[-+*/%@&|^~<>=!()[\]{},:.;\\$?])/y;

function tokensOf(code: string): Token[] {
  const tokens: Token[] = [];
  const next = new RegExp(lexer);
  while (next.lastIndex < code.length) {
    const offset = next.lastIndex;
    const groups = next.exec(code)?.groups;
    if (groups === undefined) throw new Unreadable(offset, "its code is none that TorchScript writes");
    const { text, name, sign } = groups;
    if (name !== undefined) tokens.push({ kind: "name", text: name, offset });
    else if (text !== undefined)
      tokens.push({ kind: "text", text: text.replaceAll(/^['"]+|['"]+$/g, ""), offset });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, offset });
  }
  return tokens;
}
