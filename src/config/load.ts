// Room `config`: mlship.yaml, what else may change it, and every problem in it at once.
import { dirname, relative, resolve } from "node:path";
import { z } from "zod";
import { MlshipError, type Place, type Problem } from "../errors.ts";
import { resolveConfig, type Config } from "./config.ts";
import { explain, type Finding, type Whereabouts } from "./explain.ts";
import { openSections, partially } from "./keys.ts";
import {
  environmentLayer,
  fileLayer,
  flagsLayer,
  variablesLayer,
  type Layer,
  type Origin,
} from "./layers.ts";
import { fileSchema, writtenSchema, type Written } from "./schema.ts";
import { readSource } from "./source.ts";
import { suggest } from "./suggest.ts";
import { isMapping, isWithin, lay, showPath, valueAt, valuePaths, type Mapping, type Path } from "./tree.ts";
import { readYaml, type YamlText } from "./yaml.ts";

/** Name of the file that configures a project. */
export const configFile = "mlship.yaml";

const maxProblems = 50;
const partialFile = partially(fileSchema);
const partialProject = partially(writtenSchema);

export interface LoadOptions {
  /** Absolute folder that the command works in. */
  cwd: string;
  /** `--config`: another file than mlship.yaml in `cwd`. */
  file?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** `-e`; without it MLSHIP_ENVIRONMENT counts. */
  environment?: string | undefined;
  /** `--set path=value`, in order. */
  set: readonly string[];
}

/** A project's configuration, and where each value came from. */
export interface LoadedConfig {
  config: Config;
  /** The same with every default, in the words of the file: `2s`, relative paths. */
  written: Written;
  /** `serve.port` → where its value came from, for every value of `written`. */
  origins: Map<string, Origin>;
  /** Absolute path of the file. */
  file: string;
  /** The file's text. */
  text: string;
}

/**
 * Reads the configuration: `--set` > `MLSHIP_*` > environment overlay > file > default.
 * @throws MlshipError `config.missing`, `config.unreadable`, or `config.invalid` with all problems; exit 2.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const path = resolve(options.cwd, options.file ?? configFile);
  const name = relative(options.cwd, path) || path;
  const text = await readSource(path, name);
  const yaml = readYaml(text, name);
  if (yaml.value === undefined) throw invalid(name, yaml.problems);
  const file = yaml.value === null ? null : openSections(fileSchema, yaml.value);
  if (!isMapping(file)) throw invalid(name, [notMapping(yaml)]);

  const environment = options.environment ?? (options.env["MLSHIP_ENVIRONMENT"] || null);
  const ofFile = fileLayer(file, yaml);
  const overlay = environment === null ? [] : [environmentLayer(file, yaml, environment)];
  const added = [variablesLayer(options.env), flagsLayer(options.set)];
  const layers = [ofFile, ...overlay, ...added];
  const findings = [
    ...yaml.problems.map((problem) => ({ ...problem, path: [] })),
    ...unknownEnvironment(file, environment, yaml),
    ...check(partialFile, file, ofFile.where),
    ...added.flatMap((layer) => [...layer.findings, ...check(partialProject, layer.value, layer.where)]),
  ];

  const merged = layers.reduce<unknown>((under, { value }) => lay(under, value), { model: {}, validate: {} });
  const result = writtenSchema.safeParse(merged);
  if (!result.success) {
    const whole = explain(result.error.issues, writtenSchema, merged, whereaboutsIn(layers, ofFile));
    findings.push(...withoutEchoes(whole, findings, environment));
  }
  if (findings.length > 0 || !result.success) throw invalid(name, findings);
  return {
    config: resolveConfig(result.data, dirname(path), environment),
    written: result.data,
    origins: originsOf(result.data, layers),
    file: path,
    text,
  };
}

function check(schema: z.core.$ZodType, value: Mapping, where: Whereabouts): Finding[] {
  const result = z.safeParse(schema, value);
  return result.success ? [] : explain(result.error.issues, schema, value, where);
}

/** Findings about the whole that do not repeat what was already found in one of its layers. */
function withoutEchoes(whole: Finding[], found: Finding[], environment: string | null): Finding[] {
  const overlay = ["environments", environment ?? ""];
  const paths = found.map(({ path }) => (isWithin(path, overlay) ? path.slice(overlay.length) : path));
  return whole.filter(
    ({ path, missing }) =>
      !paths.some((above) => above.length > 0 && isWithin(path, above)) &&
      !(missing && found.some(({ meant }) => meant !== undefined && isMeant(path, meant))),
  );
}

/** Whether a path is, or lies in, what a misspelt key was meant to be. */
function isMeant(path: Path, meant: string): boolean {
  return `${showPath(path)}.`.startsWith(`${meant}.`);
}

function ownerOf(path: Path, layers: Layer[]): Layer | undefined {
  return layers.findLast(({ value }) => valueAt(value, path) !== undefined);
}

function whereaboutsIn(layers: Layer[], ofFile: Layer): Whereabouts {
  return {
    valueAt: (path) => ownerOf(path, layers)?.where.valueAt(path),
    keyAt: (path) => ofFile.where.keyAt(path),
    setBy: (path) => ownerOf(path, layers)?.where.setBy(path),
  };
}

function originsOf(written: Written, layers: Layer[]): Map<string, Origin> {
  const entries = valuePaths(written).map((path): [string, Origin] => [
    showPath(path),
    ownerOf(path, layers)?.originOf(path) ?? { kind: "default" },
  ]);
  return new Map(entries);
}

function unknownEnvironment(file: Mapping, environment: string | null, yaml: YamlText): Finding[] {
  const known = isMapping(file["environments"]) ? Object.keys(file["environments"]) : [];
  if (environment === null || known.includes(environment)) return [];
  const near = suggest(environment, known);
  const fix =
    near !== null
      ? `did you mean ${near}?`
      : known.length > 0
        ? `known: ${known.join(", ")}`
        : "add it below environments";
  const what = `there is no environment ${JSON.stringify(environment)}`;
  return [{ path: ["environments", environment], what, fix, at: yaml.keyAt(["environments"]) }];
}

function notMapping(yaml: YamlText): Problem {
  const at = yaml.valueAt([]);
  if (yaml.value === null) return { what: "the file is empty", fix: "run `mlship init` to write one", at };
  return { what: "the file is not a mapping of keys", fix: "write it as lines such as name: fraud", at };
}

function invalid(name: string, findings: Problem[]): MlshipError {
  const problems = findings
    .toSorted(byPlace)
    .slice(0, maxProblems)
    .map(({ what, fix, at }) => ({
      what,
      ...(fix === undefined ? {} : { fix }),
      ...(at === undefined ? {} : { at }),
    }));
  const left = findings.length - problems.length;
  return new MlshipError({
    code: "config.invalid",
    what: `the configuration in ${name} has ${findings.length === 1 ? "a problem" : `${findings.length} problems`}`,
    fix: left > 0 ? `correct these; ${left} more follow` : "correct what is listed and run the command again",
    exit: "usage",
    problems,
  });
}

/** In the order of the file; what is not in the file comes last. */
function byPlace({ at: a }: Problem, { at: b }: Problem): number {
  const last = Number.MAX_SAFE_INTEGER;
  const line = (place: Place | undefined) => (place ? (place.line ?? 0) : last);
  return line(a) - line(b) || (a?.column ?? 0) - (b?.column ?? 0);
}
