// Files that lie beside a model's main file: what each is, and whether loading the model could make it run.
import { judgeContent, type Content } from "./nested.ts";
import { Budget } from "./pickle/ledger.ts";
import { quote, type Finding, type Member } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";
import { withoutVariables } from "./savedmodel/folder.ts";
import type { ByteSource } from "./bytes.ts";
import type { ModelFile, ModelFormat } from "./model.ts";

/** A model's folder, and what its user says of it. */
export interface Surroundings {
  files: readonly ModelFile[];
  format: ModelFormat;
  /** The main file, which its format's reader has read. */
  entry: string;
  within<T>(file: string, read: (source: ByteSource) => T): T;
  trust: readonly string[];
  /** Whether the user's own code works with the files. */
  handler: boolean;
}

/** Endings of files that Python imports as modules. */
const importable = /\.(py|pyc|pyd|so)$/;

/** Every file beside the main one, in the order of their paths. */
export function judgeBeside(around: Surroundings): { members: Member[]; findings: Finding[] } {
  const { files, format, entry, trust } = around;
  // TensorFlow's own: numbers in its own format, and files that the graph's reader has judged by name.
  const graphs = new Set(withoutVariables(files));
  const budget = new Budget();
  const findings: Finding[] = [];
  const members: Member[] = [];
  for (const file of files) {
    // A model that is left to its handler has no main file that anything here has read.
    if (file.path === entry && format !== "python") continue;
    const place = { path: file.path, trust, budget, depth: 1 };
    const module = moduleOf(file.path);
    if (module !== null) {
      const { member, finding } = judgeModule(file.path, module, around);
      members.push(member);
      if (finding !== null) findings.push(finding);
      continue;
    }
    if (!graphs.has(file)) {
      members.push(unread(file.path, "variables or assets", "TensorFlow reads it as data"));
      continue;
    }
    const content = judge(file, () => around.within(file.path, (source) => judgeContent(source, place)));
    members.push(
      content === null
        ? unread(file.path, "data or text", "no loader runs anything of such a file")
        : memberOf(file.path, content),
    );
    findings.push(...(content?.findings ?? []));
  }
  return { members, findings };
}

/** Damage is where proof ends. */
function judge(file: ModelFile, read: () => Content | null): Content | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { offset, message } = error;
    const finding = { file: file.path, offset, global: null, rule: "damaged", message };
    return { kind: "a damaged file", findings: [finding] };
  }
}

function memberOf(path: string, { kind, findings }: Content): Member {
  const [first] = findings;
  return { path, kind, verdict: first === undefined ? "safe" : "refused", why: first?.message ?? null };
}

function unread(path: string, kind: string, why: string): Member {
  return { path, kind, verdict: "not-read", why };
}

/** The top-level name by which Python would import a file; null when it would not. */
function moduleOf(path: string): string | null {
  if (!importable.test(path)) return null;
  const [top = ""] = path.split("/");
  return top.replace(/\..*$/, "");
}

/**
 * The model's folder ends Python's path when the model is loaded, so a module there runs as soon as
 * anything imports its name and no library has it: many a library tries to import what need not be
 * there. Only the user's own may: those of a handler, or of a trusted name.
 */
function judgeModule(
  path: string,
  module: string,
  { trust, handler }: Surroundings,
): { member: Member; finding: Finding | null } {
  const kind = "a Python module";
  const trusted = trust.some((name) => name === module || name.startsWith(`${module}.`));
  if (handler || trusted) {
    const why = trusted ? `model.trust names ${module}` : "the handler may import it, and is the user's own";
    return { member: { path, kind, verdict: "not-read", why }, finding: null };
  }
  const message = `it runs when anything imports ${quote(module)}, and nothing says that it may`;
  const finding = { file: path, offset: null, global: module, rule: "module", message };
  return { member: { path, kind, verdict: "refused", why: message }, finding };
}
