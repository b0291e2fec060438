// Keras models: a .keras archive or an HDF5 file. The configuration is judged, the weights only walked.
import { readHdf5, type Hdf5 } from "../hdf5/file.ts";
import { factsOfKeras } from "../keras/facts.ts";
import { parseJson } from "../json.ts";
import { judgeConfig, objectOf, type Json, type Report } from "../keras/judge.ts";
import { noFacts, quote, type Finding, type Reading } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import { bytesOf } from "../bytes.ts";
import { openZip } from "../zip.ts";
import type { Input } from "./input.ts";

const weightsFile = "model.weights.h5";
const largestConfig = 256 * 2 ** 20;
/** Bytes; what can be held in memory at once. */
const largestWeights = 2 ** 31;

/** Reads a model without making any of its layers. @throws Unreadable when it is damaged. */
export function readKeras(input: Input): Reading {
  const archive = input.source.read(0, 2).toString("latin1") === "PK";
  return archive ? readArchive(input) : readWhole(input);
}

function readArchive({ source, file, trust }: Input): Reading {
  const zip = openZip(source);
  const { findings, globals, report } = collect(`${file}!config.json`);
  for (const name of zip.names) {
    // Assets are vocabularies, unpacked into a folder of their own.
    const asset = name.startsWith("assets/") && !/(^|\/)\.\.?(\/|$)|[\\\0]/.test(name);
    if (asset || ["config.json", "metadata.json", weightsFile].includes(name)) continue;
    report("unknown-member", `it holds a member ${quote(name)}, which Keras does not write`, null);
  }
  const model = parse(zip.read("config.json", largestConfig).toString("utf8"), "config.json");
  const metadata = parse(zip.read("metadata.json", 1 << 20).toString("utf8"), "metadata.json");
  judgeConfig(model, new Set(trust), globals, report);
  const weights = readHdf5(bytesOf(zip.read(weightsFile, largestWeights)));
  findings.push(...escapesOf(weights, `${file}!${weightsFile}`));
  const version = metadata["keras_version"];
  const facts = factsOfKeras(model, textOf(version), objectOf(model["compile_config"])?.["loss"]);
  return { facts: findings.length > 0 ? noFacts : facts, findings, globals };
}

/** HDF5 files of whole models have their configuration among the attributes of the root. */
function readWhole({ source, file, trust }: Input): Reading {
  const { findings, globals, report } = collect(file);
  const found = readHdf5(source);
  findings.push(...escapesOf(found, file));
  const config = found.attributes.get("model_config");
  if (config === undefined)
    return { facts: noFacts, findings, globals, lacks: "an HDF5 file without a Keras model" };
  const model = parse(config, "model_config");
  const training = found.attributes.get("training_config");
  const trained = training === undefined ? null : parse(training, "training_config");
  for (const part of [model, trained]) judgeConfig(part, new Set(trust), globals, report);
  const facts = factsOfKeras(model, textOf(found.attributes.get("keras_version")), trained?.["loss"]);
  return { facts: findings.length > 0 ? noFacts : facts, findings, globals };
}

function collect(file: string): { findings: Finding[]; globals: Map<string, number>; report: Report } {
  const findings: Finding[] = [];
  const report: Report = (rule, message, global) => {
    findings.push({ file, offset: null, global, rule, message });
  };
  return { findings, globals: new Map(), report };
}

function escapesOf({ escapes }: Hdf5, file: string): Finding[] {
  return escapes.map(({ offset, rule, message }) => ({ file, offset, global: null, rule, message }));
}

function parse(text: string, what: string): Json {
  const object = objectOf(parseJson(Buffer.from(text), `its ${what}`));
  if (object === null) throw new Unreadable(0, `its ${what} is not one that Keras writes`);
  return object;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
