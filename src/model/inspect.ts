// Reads what a model says of itself, and refuses one that could do more than predict.
import { MlshipError } from "../errors.ts";
import { withMlflow } from "./mlflow.ts";
import { damaged, openModel, type Told } from "./open.ts";
import { readModel } from "./scan.ts";
import type { Finding } from "./reading.ts";
import type { Model, ModelFormat } from "./model.ts";

/** Findings that one error names; a scan lists them all. */
const mostShown = 5;

/**
 * The model at `path`, read from its bytes; nothing of it is executed.
 * @param options.format what the user says it is; the content must agree.
 * @param options.handler whether the user's code loads the model or works around it.
 * @param options.trust names allowed beyond the format's own list.
 * @throws MlshipError `model.unsafe`, exit "gate", when loading it could do something that is not
 *   allowed; `model.damaged`, `model.format-mismatch`, `model.needs-handler` and those of `detectFormat`, exit "usage".
 */
export async function inspectModel(path: string, options: Told & { trust: string[] }): Promise<Model> {
  const opened = await openModel(path, options);
  try {
    const { files, digest, size, format, entry } = opened;
    const asked = options.format ?? "mlflow";
    if (asked !== "mlflow" && asked !== format) throw mismatch(path, asked, format);
    const { facts: read, findings, globals, lacks } = readModel(opened, options.trust);
    const [first] = findings;
    if (first !== undefined) {
      throw findings.every(({ rule }) => rule === "damaged")
        ? damaged(path, first)
        : unsafe(path, format, findings);
    }
    if (lacks !== undefined && options.handler !== true) throw needsHandler(path, lacks);
    const facts = opened.mlflow === null ? read : withMlflow(read, opened.mlflow, format);
    return { files, digest, size, format, entry, ...facts, reaches: [...globals.keys()].sort() };
  } finally {
    opened.close();
  }
}

function mismatch(path: string, said: ModelFormat, found: ModelFormat): MlshipError {
  return new MlshipError({
    code: "model.format-mismatch",
    what: `${path} is a model of format ${found}, not ${said}`,
    fix: `set model.format to ${found} or auto`,
    exit: "usage",
  });
}

function needsHandler(path: string, lacks: string): MlshipError {
  return new MlshipError({
    code: "model.needs-handler",
    what: `${path} is ${lacks}`,
    why: "weights alone say nothing of the class that they belong to",
    fix: "set model.handler to a Python file whose load(folder) makes the model and gives it the weights (docs/guides/models.md has an example), or save a whole model with torch.jit or torch.export",
    exit: "usage",
  });
}

function unsafe(path: string, format: ModelFormat, findings: readonly Finding[]): MlshipError {
  const names = [...new Set(findings.filter(({ rule }) => trustable.has(rule)).map(({ global }) => global))];
  const more = findings.length - mostShown;
  const shown = findings.slice(0, mostShown).map(({ file, offset, message }) => ({
    what: `${message} (${file}${offset === null ? "" : `, byte ${offset}`})`,
  }));
  const trust =
    names.length > 0
      ? "if you know what these names do and who made the file, list them in model.trust; else "
      : "";
  return new MlshipError({
    code: "model.unsafe",
    what: `loading ${path} could run code: ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
    why: "what cannot be proved harmless is refused before anything loads it",
    fix: `${trust}save the model again as ${saferThan[format] ?? "skops or ONNX"}`,
    exit: "gate",
    problems: more > 0 ? [...shown, { what: `and ${more} more; mlship scan lists them` }] : shown,
  });
}

/** What holds less than a format does, where that is not skops or ONNX. */
const saferThan: Partial<Record<ModelFormat, string>> = {
  pytorch: "a state_dict beside a handler, or with torch.export",
};

/** Rules that model.trust can lift. */
const trustable = new Set(["unknown-global", "custom-operator", "module"]);
