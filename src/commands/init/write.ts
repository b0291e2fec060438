// Writes the mlship.yaml of a new project: each line says what it means and where it came from.
import { Document, isMap, isScalar } from "yaml";
import type { MlshipFile } from "../../config/schema.ts";
import type { Reached, WrittenGates } from "./gates.ts";

/** What `init` found out, as it goes into mlship.yaml. Paths are relative to the project's folder. */
export interface Findings {
  /** Path or URL of the JSON Schema, for editors. */
  schema: string;
  name: string;
  version: string;
  model: { path: string; format: string; handler: string | null };
  requirements: string | null;
  data: string;
  target: string;
  task: NonNullable<MlshipFile["validate"]["task"]>;
  gates: WrittenGates;
  /** Name of a metric → what the model reached on the data. */
  measured: Readonly<Record<string, Reached>>;
}

/** The text of mlship.yaml. A YAML emitter writes every value, so that no name can break out of its line. */
export function writeConfig(findings: Findings): string {
  const document = new Document(fileOf(findings), { compat: "yaml-1.1" });
  const schema = encodeURI(findings.schema.toWellFormed());
  document.commentBefore = ` yaml-language-server: $schema=${schema}\n What ships, how it is judged, and how it goes live. All keys: the schema above.`;
  for (const [path, text] of remarks(findings)) {
    const node = document.getIn(path, true);
    if (isScalar(node) || isMap(node)) node.comment = ` ${text}`;
    if (isMap(node)) node.flow = true;
  }
  return document.toString({ lineWidth: 0, blockQuote: false });
}

function fileOf({ name, version, model, requirements, data, target, task, gates }: Findings): MlshipFile {
  return {
    name,
    version,
    model: { path: model.path, ...(model.handler === null ? {} : { handler: model.handler }) },
    ...(requirements === null ? {} : { python: { requirements } }),
    validate: { data, target, task, ...(Object.keys(gates).length === 0 ? {} : { gates }) },
  };
}

/** What stands behind each line. */
function remarks({ model, data, gates, measured }: Findings): [path: string[], text: string][] {
  const reasons = Object.entries(gates).map(([metric, gate]): [string[], string] => {
    const side = gate?.max === undefined ? "below" : "above";
    const text = `measured ${figures(measured[metric])} on ${inComment(data)}; the bound is ${side} that interval`;
    return [["validate", "gates", metric], text];
  });
  return [
    [["name"], "lower-case letters, digits and hyphens"],
    [["version"], "raise it with every model; a released version never changes"],
    [["model", "path"], `recognised as ${model.format} by its content`],
    [["model", "handler"], "your code around the model: load, preprocess, predict, postprocess"],
    [["python", "requirements"], "added to what the model itself needs; all of it is locked by hash"],
    [["validate", "data"], "labelled rows that the model was not trained on"],
    [["validate", "target"], "the column that holds the true value"],
    [["validate", "task"], "binary, multiclass or regression"],
    ...reasons,
  ];
}

/** A value and its interval, with four digits that matter. */
function figures(reached: Reached | undefined): string {
  const figure = (value: number) => String(Number(value.toPrecision(4)));
  if (!reached?.ci) return reached ? figure(reached.value) : "nothing";
  return `${figure(reached.value)} (${figure(reached.ci.lo)} to ${figure(reached.ci.hi)})`;
}

/** A file's name, safe to stand in a comment. */
function inComment(name: string): string {
  if (/^[\w .-]{1,80}$/.test(name)) return name;
  return JSON.stringify(name.slice(0, 80).toWellFormed()).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
