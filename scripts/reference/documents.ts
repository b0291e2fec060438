// docs/reference/documents.md and schema/*.schema.json: every versioned document, with its JSON Schema or type.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { channelEntrySchema } from "../../src/artifacts/channel.ts";
import { releaseSchema } from "../../src/artifacts/release.ts";
import { storeDocumentSchema } from "../../src/artifacts/store-document.ts";
import { versionDocumentSchema } from "../../src/artifacts/versions.ts";
import { servedSchema } from "../../src/cluster/served-schema.ts";
import { rolloutEventSchema } from "../../src/commands/rollout-events.ts";
import { bundleSchema } from "../../src/model/bundle.ts";
import { scanSchema } from "../../src/model/scan.ts";
import { rolloutSchema } from "../../src/rollout/record.ts";
import { desiredSchema } from "../../src/targets/local/documents.ts";
import { goldenSchema } from "../../src/validation/golden.ts";
import { reportSchema } from "../../src/validation/report.ts";
import { block, code, page, table } from "./markdown.ts";

interface Stored {
  name: string;
  schema: z.ZodType;
  about: string;
  where: string;
}

/** Documents that are read again from disk, and so have a schema that is checked. */
const stored: Stored[] = [
  {
    name: "scan",
    schema: scanSchema,
    about: "what loading a model could do",
    where: "printed by `mlship scan --json`",
  },
  {
    name: "report",
    schema: reportSchema,
    about: "what was judged, on what, with what result",
    where: "printed by `mlship validate --json`; `.mlship/reports/`; a blob of the store",
  },
  {
    name: "golden",
    schema: goldenSchema,
    about: "labelled rows with the answers that were measured",
    where: "`.mlship/reports/`; a blob of the store",
  },
  {
    name: "bundle",
    schema: bundleSchema,
    about: "what a server loads and what input it takes",
    where: "`mlship.json` beside the model; inside a release",
  },
  {
    name: "release",
    schema: releaseSchema,
    about: "all that one version is made of, by digest",
    where: "`manifests/sha256/` of the store",
  },
  {
    name: "version",
    schema: versionDocumentSchema,
    about: "which release a version stands for",
    where: "`models/NAME/versions/` of the store",
  },
  {
    name: "channel-entry",
    schema: channelEntrySchema,
    about: "one move of a channel, chained to the one before",
    where: "`models/NAME/channels/CHANNEL/` of the store; in `mlship history --json`",
  },
  {
    name: "store",
    schema: storeDocumentSchema,
    about: "how a store was tried out at its first use, and who agreed to what",
    where: "`mlship.json` of the store",
  },
  {
    name: "rollout",
    schema: rolloutSchema,
    about: "the record of one rollout, from which any driver can take it up",
    where: "`.mlship/local/NAME-CHANNEL/rollout.json`; ConfigMap `NAME-rollout`",
  },
  {
    name: "served",
    schema: servedSchema,
    about: "how a release is served: all that its objects on a cluster are made from",
    where: "`models/NAME/served/` of the store; ConfigMap `REVISION-served`",
  },
  {
    name: "event",
    schema: rolloutEventSchema,
    about: "one thing that happened in a rollout",
    where: "a line of the file that `--events` names",
  },
  {
    name: "gateway",
    schema: desiredSchema,
    about: "what the local gateway should run",
    where: "`.mlship/local/NAME-CHANNEL/state.json`",
  },
];

/** Documents that are only printed: their shape is a type. */
const printed: [name: string, by: string, file: string, type: string][] = [
  ["init", "mlship init", "src/commands/init.ts", "InitDocument"],
  ["config", "mlship config show", "src/commands/config.ts", "ConfigDocument"],
  ["doctor", "mlship doctor", "src/commands/doctor.ts", "DoctorDocument"],
  ["policy", "mlship doctor --policy", "src/commands/policy.ts", "PolicyDocument"],
  ["upload", "mlship upload", "src/commands/upload.ts", "UploadDocument"],
  ["deploy", "mlship deploy", "src/commands/deploy.ts", "DeployDocument"],
  ["plan", "inside deploy and rollback", "src/rollout/plan.ts", "RolloutPlan"],
  ["rollback", "mlship rollback", "src/commands/rollback.ts", "RollbackDocument"],
  ["steer", "mlship promote, mlship abort", "src/commands/steer.ts", "SteerDocument"],
  ["unlock", "mlship unlock", "src/commands/unlock.ts", "UnlockDocument"],
  ["gc", "mlship gc", "src/commands/gc.ts", "GcDocument"],
  ["stop", "mlship stop", "src/commands/stop.ts", "StopDocument"],
  ["status", "mlship status", "src/commands/status.ts", "StatusDocument"],
  ["history", "mlship history", "src/commands/history.ts", "HistoryDocument"],
  ["versions", "mlship versions", "src/commands/versions/list.ts", "VersionsDocument"],
  ["details", "mlship versions show VERSION", "src/commands/versions/show.ts", "DetailsDocument"],
  ["pull", "mlship versions pull VERSION", "src/commands/versions/pull.ts", "PullDocument"],
  ["verification", "mlship versions verify", "src/commands/versions/verify.ts", "VerificationDocument"],
  ["tag", "mlship versions tag VERSION CHANNEL", "src/commands/versions/tag.ts", "TagDocument"],
  ["diff", "mlship diff", "src/commands/diff.ts", "DiffDocument"],
];

/** File below schema/ → its text. */
export function schemaFiles(): Record<string, string> {
  return Object.fromEntries(
    stored.map(({ name, schema, about }) => {
      const document = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
      const titled = { title: `mlship.${name}/v1`, description: about, ...document };
      return [`schema/${name}.schema.json`, `${JSON.stringify(titled, null, 2)}\n`];
    }),
  );
}

/** The page. */
export function documentsPage(): string {
  return page(
    "# Documents",
    "Each arrow inside mlship is one JSON document with a `schema` member that names its kind and version. Where a document has a `digest`, it is the SHA-256 of its canonical JSON (sorted keys, no white space) without the members `digest` and `volatile`; times, durations and host names are in `volatile`, so a second run on the same input gives the same digest. How they hang together: [evidence.md](../concepts/evidence.md).",
    "## Kept documents",
    "Checked against their schema whenever they are read. Rules across members, such as a digest that must fit, are checked as well and are not part of the JSON Schema.",
    table(
      ["document", "what it says", "where it is", "JSON Schema"],
      stored.map(({ name, about, where }) => [
        code(`mlship.${name}/v1`),
        about,
        where,
        `[${name}.schema.json](../../schema/${name}.schema.json)`,
      ]),
    ),
    ...stored.flatMap(({ name, schema }) => [
      `### mlship.${name}/v1`,
      block("text", outline(z.toJSONSchema(schema, { io: "input" }))),
    ]),
    "## Printed documents",
    "What `--json` prints, one per verb. `mlship scan` and `mlship validate` print the kept documents above. An error prints `mlship.error/v1`: `code`, `what`, `why`, `fix`, `at`, `problems`, `exit` ([errors.md](errors.md)).",
    ...printed.flatMap(([name, by, file, type]) => [
      `### mlship.${name}/v1`,
      `${by.startsWith("mlship") ? `Printed by ${by.split(", ").map(code).join(" and ")}` : `${by[0]?.toUpperCase()}${by.slice(1)}`}; declared in ${code(file)}.`,
      block("ts", typeIn(file, type)),
    ]),
  );
}

type Json = Exclude<z.core.JSONSchema._JSONSchema, boolean>;

/** The members of a schema, one line each, as a reader scans them. */
function outline(schema: Json, indent = ""): string {
  const lines = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const member = typeof value === "boolean" ? {} : value;
    const inner = objectIn(member);
    return `${indent}${key}: ${typeOf(member)}\n${inner === null ? "" : outline(inner, `${indent}  `)}`;
  });
  return lines.join("");
}

function objectIn(schema: Json): Json | null {
  if (schema.properties) return schema;
  const alternatives = (schema.anyOf ?? []).filter((one) => typeof one !== "boolean");
  const [object, second] = alternatives.map(objectIn).filter((one) => one !== null);
  if (object !== undefined) return second === undefined ? object : null;
  const items = schema.items;
  return items !== undefined && typeof items === "object" && !Array.isArray(items) ? objectIn(items) : null;
}

function typeOf(schema: Json): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(String).join(" | ");
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives)
    return alternatives.map((one) => (typeof one === "boolean" ? "any" : typeOf(one))).join(" | ");
  if (schema.type === "array") {
    const items = schema.items;
    return `list of ${items !== undefined && typeof items === "object" && !Array.isArray(items) ? typeOf(items) : "any"}`;
  }
  if (schema.type === "object") return schema.properties ? "object" : "mapping";
  if (schema.type === "string" && String(schema.pattern ?? "").includes("sha256:")) return "digest";
  return [schema.type ?? "any"].flat().join(" | ");
}

/** The source of an exported interface. */
function typeIn(file: string, name: string): string {
  const [found] =
    new RegExp(`export interface ${name}[^{]*\\{[\\s\\S]*?\\n\\}`).exec(readFileSync(file, "utf8")) ?? [];
  if (found === undefined) throw new Error(`${file} has no interface ${name}`);
  return found;
}
