// docs/reference/configuration.md: every key of mlship.yaml, from the JSON Schema that the loader's schema gives.
import { z } from "zod";
import { mlshipJsonSchema } from "../../src/config/json-schema.ts";
import { variableOf } from "../../src/config/layers.ts";
import { block, cell, code, page, table } from "./markdown.ts";

interface Node {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: (string | number)[];
  const?: string;
  items?: Node;
  anyOf?: Node[];
  properties?: Record<string, Node>;
  required?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

const node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    enum: z.array(z.union([z.string(), z.number()])).optional(),
    const: z.string().optional(),
    items: node.optional(),
    anyOf: z.array(node).optional(),
    properties: z.record(z.string(), node).optional(),
    required: z.array(z.string()).optional(),
    pattern: z.string().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
  }),
) as z.ZodType<Node>;

const example = `name: fraud
version: 1.4.0
model:
  path: model.joblib
validate:
  data: test_data.csv
  gates:
    accuracy: { min: 0.9 }
    f1: { maxDrop: 0.01 }
serve: { port: 9000 }
deploy:
  canary: { steps: [5, 25, 50], interval: 60s }
environments:
  staging:
    serve: { port: 9100 }
    deploy: { canary: { steps: [100] } }`;

/** The page. */
export function configurationPage(): string {
  const { environments, ...keys } = node.parse(mlshipJsonSchema()).properties ?? {};
  const gates = keys["validate"]?.properties?.["gates"]?.properties ?? {};
  return page(
    "# Configuration: mlship.yaml",
    "Only `name`, `version`, `model.path` and `validate.data` are needed. A key that is not listed here is an error with a suggestion. All problems are reported at once, each with file, line and column. Relative paths start at the folder of the file.",
    block("yaml", example),
    "A value is taken from the first of these that has it: `--set path=value`, the variable in the table, the environment overlay (`-e NAME` or `MLSHIP_ENVIRONMENT`), the file, the default. `mlship config show --origin` prints every value with the place it comes from. An empty variable counts as not set; a list in a flag or variable is written `5,25,50` or `[5,25,50]`.",
    "Durations are a whole number and `ms`, `s`, `m` or `h`; sizes a whole number and `B`, `KiB`, `MiB` or `GiB`.",
    "Editors check and complete the file with the JSON Schema [mlship.schema.json](../../schema/mlship.schema.json); `mlship init` copies it to `.mlship/` and refers to it in the first line.",
    ...Object.entries(keys).flatMap(([key, section]) => sectionOf(key, section)),
    "## validate.gates",
    "One optional entry per metric. Formulas: [metrics.md](metrics.md). What gates decide: [gates.md](../guides/gates.md). `maxDrop` compares with the version now in production. `average` is one of " +
      "`binary`, `macro`, `micro`, `weighted`; the first that the task has counts when it is left out.",
    table(
      ["gate", "bounds", "what it measures"],
      Object.entries(gates).map(([name, gate]) => [
        code(name),
        Object.entries(gate.properties ?? {})
          .map(([bound, { enum: names }]) =>
            names?.length === 2 ? `${code(bound)} (${names.join(", ")})` : code(bound),
          )
          .join(" "),
        cell(gate.description ?? ""),
      ]),
    ),
    `Each bound has a variable as well: \`validate.gates.f1.min\` is \`${variableOf(["validate", "gates", "f1", "min"])}\`.`,
    "## environments",
    `${environments?.description ?? ""} An environment may overlay \`validate\`, \`serve\`, \`artifacts\` and \`deploy\`; what a model is stays the same everywhere. It is also the channel that its history is kept under; without one the channel is \`production\`. Two environments on one machine need two ports.`,
  );
}

function sectionOf(key: string, section: Node): string[] {
  const rows = rowsOf(section, [key], true);
  const heading = section.properties ? [`## ${key}`, section.description ?? ""] : [`## ${key}`];
  return [...heading, table(["key", "type", "default", "what it means", "variable"], rows)];
}

function rowsOf(at: Node, path: string[], required: boolean): string[][] {
  if (path.join(".") === "validate.gates") {
    return [
      [
        code("validate.gates"),
        "mapping",
        "none",
        `${cell(at.description ?? "")} See [below](#validategates).`,
        "",
      ],
    ];
  }
  if (at.properties) {
    return Object.entries(at.properties).flatMap(([key, below]) =>
      rowsOf(below, [...path, key], required && (at.required ?? []).includes(key)),
    );
  }
  const fallback = at.default === undefined ? (required ? "**required**" : "none") : code(shown(at.default));
  return [
    [code(path.join(".")), cell(typeOf(at)), fallback, cell(at.description ?? ""), code(variableOf(path))],
  ];
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function typeOf(at: Node): string {
  if (at.enum) return at.enum.map((value) => code(String(value))).join(", ");
  if (at.const !== undefined) return code(at.const);
  if (Array.isArray(at.type)) return at.type.join(" or ").replace("string", "text");
  if (at.anyOf) return at.anyOf.map(typeOf).join(" or ");
  if (at.type === "array") return `list of ${typeOf(at.items ?? {})}`;
  if (at.type === "string" && at.pattern?.endsWith("(ms|s|m|h)$")) return "duration";
  if (at.type === "string") return "text";
  const from = at.exclusiveMinimum === undefined ? at.minimum : `above ${at.exclusiveMinimum}`;
  const to = at.maximum;
  const range = from === undefined ? "" : to === undefined ? `, from ${from}` : `, ${from} to ${to}`;
  return `${at.type ?? "anything"}${range.replace(/, above (.*) to /, ", above $1, up to ")}`;
}
