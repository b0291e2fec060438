// A scan's findings as SARIF 2.1.0, which code scanning shows beside the files.
import type { Scan } from "../model/scan.ts";

/** Where the model lies and who looked. */
export interface SarifContext {
  /** Path of the model from the root of the repository, with `/` between folders. */
  model: string;
  /** Whether the model is a folder: the findings' files are then in it. */
  isFolder: boolean;
  /** Version of mlship. */
  version: string;
}

/** One result per finding; none when the model is safe to load, which closes earlier ones. */
export function renderSarif({ findings, format, model: digest }: Scan, context: SarifContext): string {
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  const results = findings.map(({ file, offset, global, rule, message }) => {
    const path = context.isFolder ? `${context.model}/${file}` : context.model;
    // Members of an archive are no files of the repository: they are named in the text.
    const inside = context.isFolder || context.model.split("/").at(-1) === file ? "" : ` in ${file}`;
    return {
      ruleId: rule,
      ruleIndex: rules.indexOf(rule),
      level: "error",
      message: { text: `${global === null ? "" : `${global}: `}${message}${inside}` },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: uriOf(path) },
            // A model has no lines; the first one is where viewers hang the finding.
            region: { startLine: 1, ...(offset === null ? {} : { byteOffset: offset, byteLength: 0 }) },
          },
        },
      ],
      partialFingerprints: { "mlship/v1": [rule, global ?? "", file].join(":") },
    };
  });
  const driver = {
    name: "mlship",
    version: context.version,
    rules: rules.map((id) => ({
      id,
      shortDescription: { text: `mlship scan: ${id}` },
      properties: { tags: ["security"], "security-severity": "8.0" },
    })),
  };
  const document = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, results, properties: { format, model: digest } }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const uriOf = (path: string) => path.split("/").map(encodeURIComponent).join("/");
