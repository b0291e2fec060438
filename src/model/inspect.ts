// Reads what a model says of itself, and refuses one that could do more than predict.
import { MlshipError } from "../errors.ts";
import { damaged, openModel } from "./format.ts";
import { readModel } from "./scan.ts";
import type { Finding } from "./reading.ts";
import type { Model, ModelFormat } from "./model.ts";

/** Findings that one error names; a scan lists them all. */
const mostShown = 5;

/**
 * The model at `path`, read from its bytes; nothing of it is executed.
 * @param options.format what the user says it is; the content must agree.
 * @param options.trust names allowed beyond the format's own list.
 * @throws MlshipError `model.unsafe`, exit "gate", when loading it could do something that is not
 *   allowed; `model.damaged`, `model.format-mismatch` and those of `detectFormat`, exit "usage".
 */
export async function inspectModel(
  path: string,
  options: { format?: ModelFormat; trust: string[] },
): Promise<Model> {
  const opened = await openModel(path);
  try {
    const { files, digest, size, format, entry } = opened;
    if (options.format !== undefined && options.format !== format)
      throw mismatch(path, options.format, format);
    const { facts, findings, globals } = readModel(opened, options.trust);
    const [first] = findings;
    if (first !== undefined) {
      throw findings.every(({ rule }) => rule === "damaged") ? damaged(path, first) : unsafe(path, findings);
    }
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

function unsafe(path: string, findings: readonly Finding[]): MlshipError {
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
    fix: `${trust}save the model again as skops or ONNX`,
    exit: "gate",
    problems: more > 0 ? [...shown, { what: `and ${more} more; mlship scan lists them` }] : shown,
  });
}

/** Rules that model.trust can lift. */
const trustable = new Set(["unknown-global", "custom-operator"]);
