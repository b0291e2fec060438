// The layers that a configuration is made of, lowest first, and where each value comes from.
import type { Place } from "../errors.ts";
import { unknownKey, type Finding, type Whereabouts } from "./explain.ts";
import { keysAt, leavesOf, schemaAt } from "./keys.ts";
import { writtenSchema } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { isMapping, isWithin, lay, nest, showPath, valueAt, type Mapping, type Path } from "./tree.ts";
import { readTyped } from "./typed-text.ts";
import type { YamlText } from "./yaml.ts";

/** Where a value comes from. */
export type Origin =
  | { kind: "flag"; flag: string }
  | { kind: "variable"; variable: string }
  | { kind: "environment"; environment: string; at: Place }
  | { kind: "file"; at: Place }
  | { kind: "default" };

/** Some values of the configuration, all from one kind of place. */
export interface Layer {
  value: Mapping;
  where: Whereabouts;
  originOf(path: Path): Origin;
  /** What is wrong with the layer beyond its values: keys that do not exist. */
  findings: Finding[];
}

/** What mlship.yaml says outside its environments. */
export function fileLayer(file: Mapping, yaml: YamlText): Layer {
  const { environments: _overlays, ...value } = file;
  return {
    value,
    where: {
      valueAt: (path) => yaml.valueAt(path),
      keyAt: (path) => yaml.keyAt(path),
      setBy: () => undefined,
    },
    originOf: (path) => ({ kind: "file", at: yaml.keyAt(path) }),
    findings: [],
  };
}

/** What mlship.yaml says for one environment. */
export function environmentLayer(file: Mapping, yaml: YamlText, environment: string): Layer {
  const above = ["environments", environment];
  const value = valueAt(file, above);
  const keyAt = (path: Path) => yaml.keyAt([...above, ...path]);
  return {
    value: isMapping(value) ? value : {},
    where: { valueAt: (path) => yaml.valueAt([...above, ...path]), keyAt, setBy: () => undefined },
    originOf: (path) => ({ kind: "environment", environment, at: keyAt(path) }),
    findings: [],
  };
}

/** `deploy.canary.maxHarm` → `MLSHIP_DEPLOY_CANARY_MAX_HARM`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return ["MLSHIP", ...words].join("_");
}

const leaves = leavesOf(writtenSchema).map((leaf) => ({ ...leaf, variable: variableOf(leaf.path) }));

/** What the `MLSHIP_*` variables say; an empty one counts as not set. */
export function variablesLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const set = leaves.filter(({ variable }) => env[variable]);
  const value = set.reduce<unknown>(
    (tree, { path, schema, variable }) => lay(tree, nest(path, readTyped(schema, env[variable] ?? ""))),
    {},
  );
  const variableAt = (path: Path) => set.find((leaf) => isWithin(path, leaf.path))?.variable;
  return {
    value: isMapping(value) ? value : {},
    where: { valueAt: () => undefined, keyAt: () => undefined, setBy: variableAt },
    originOf: (path) => ({ kind: "variable", variable: variableAt(path) ?? variableOf(path.map(String)) }),
    findings: unknownVariables(
      Object.keys(env),
      leaves.map(({ variable }) => variable),
    ),
  };
}

/** Variables that begin like a section of mlship.yaml and name no key of it. */
function unknownVariables(names: string[], known: string[]): Finding[] {
  const sections = keysAt(writtenSchema, []).filter((key) => keysAt(writtenSchema, [key]).length > 0);
  const prefixes = sections.map((section) => `${variableOf([section])}_`);
  return names
    .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)) && !known.includes(name))
    .map((name) => {
      const near = suggest(name, known);
      const fix = near === null ? "unset it" : `did you mean ${near}?`;
      return { path: [name], what: `the variable ${name} names no key of mlship.yaml`, fix };
    });
}

/** What the `--set path=value` flags say; of two for one key the last counts. */
export function flagsLayer(flags: readonly string[]): Layer {
  const findings: Finding[] = [];
  const changes: { path: string[]; flag: string; text: string }[] = [];
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    const path = flag.slice(0, Math.max(0, equals)).split(".");
    const problem = equals < 1 ? noEquals(flag) : pathProblem(path);
    if (problem) findings.push(problem);
    else changes.push({ path, flag: `--set ${showPath(path)}`, text: flag.slice(equals + 1) });
  }
  const value = changes.reduce<unknown>((tree, { path, text }) => {
    const schema = schemaAt(writtenSchema, path);
    return schema ? lay(tree, nest(path, readTyped(schema, text))) : tree;
  }, {});
  const flagAt = (path: Path) => changes.findLast((change) => isWithin(path, change.path))?.flag;
  return {
    value: isMapping(value) ? value : {},
    where: { valueAt: () => undefined, keyAt: () => undefined, setBy: flagAt },
    originOf: (path) => ({ kind: "flag", flag: flagAt(path) ?? `--set ${showPath(path)}` }),
    findings,
  };
}

function noEquals(flag: string): Finding {
  const what = `--set ${JSON.stringify(flag.slice(0, 60))} names no key and value`;
  return { path: [], what, fix: "write it as --set serve.port=9000" };
}

function pathProblem(path: string[]): Finding | null {
  if (path[0] === "environments") {
    const fix = "set the key itself, as in --set serve.port=9000: a flag counts in every environment";
    return { path, what: "--set cannot change an environment", fix };
  }
  const unknown = path.findIndex((_key, index) => schemaAt(writtenSchema, path.slice(0, index + 1)) === null);
  const key = path[unknown];
  if (key === undefined) return null;
  const where = { valueAt: () => undefined, keyAt: () => undefined, setBy: () => `--set ${showPath(path)}` };
  return unknownKey(writtenSchema, path.slice(0, unknown), key, where);
}
