// `mlship scan`: what a model file could do when it is loaded, without loading it; exit 3 when that is not proved safe.
import path from "node:path";
import { MlshipError } from "../errors.ts";
import { scanModel, type Scan } from "../model/scan.ts";
import { renderSarif } from "../validation/sarif.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import { openReportFiles } from "./report-files.ts";
import type { ProjectOptions, Result } from "./result.ts";
import { toldOf } from "./told.ts";
import { sarifContext } from "./validate.ts";

/** What is scanned, and where the findings go besides the terminal. */
export interface ScanOptions {
  /** A model; by default the project's. */
  file: string | undefined;
  /** File for the findings as SARIF. */
  sarif: string | undefined;
}

/** Scans `file`, or the model of the project in the host's folder. */
export async function scan(
  { file, sarif }: ScanOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<Scan>> {
  const files = await openReportFiles({ sarif }, host.cwd);
  const project = await openProject(host, selection).catch((error: unknown) => {
    // A file alone can be scanned anywhere; a project that is there says what it trusts.
    if (file !== undefined && error instanceof MlshipError && error.code === "config.missing") return null;
    throw error;
  });
  const model = (file === undefined ? project?.config.model.path : path.resolve(host.cwd, file)) ?? host.cwd;
  const told = file === undefined && project !== null ? toldOf(project.config.model) : {};
  const document = await scanModel(model, { ...told, trust: project?.config.model.trust ?? [] });
  if (sarif !== undefined) {
    const context = await sarifContext(model, host);
    await files.write("sarif", () => renderSarif(document, context));
  }
  return { document, exit: document.verdict === "safe" ? "done" : "gate" };
}
