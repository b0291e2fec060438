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

/**
 * One result per finding, those of the files beside the model among them; none when the model is safe to
 * load, which closes earlier ones.
 */
export function renderSarif(scan: Scan, context: SarifContext): string {
  const { findings, format, model: digest } = scan;
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  const results = findings.map(({ file, offset, global, rule, message }) => {
    const outer = outerFile(file, scan);
    const path = context.isFolder ? `${context.model}/${outer}` : context.model;
    // Members of an archive are no files of the repository: they are named in the text.
    const named = context.isFolder ? outer : context.model.split("/").at(-1);
    const inside = named === file ? "" : ` in ${file}`;
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

/** The file in the model's folder that holds what a finding names: `!` leads into an archive. */
function outerFile(file: string, { members }: Scan): string {
  const beside = members.find(({ path }) => file === path || file.startsWith(`${path}!`));
  return beside?.path ?? file.replace(/!.*$/s, "");
}

const uriOf = (path: string) => path.split("/").map(encodeURIComponent).join("/");
