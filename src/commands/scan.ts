// `mlship scan`: what a model file could do when it is loaded, without loading it; exit 3 when that is not proved safe.
import path from "node:path";
import { MlshipError } from "../errors.ts";
import { scanModel, type Scan } from "../model/scan.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";

/** Scans `file`, or the model of the project in the host's folder. */
export async function scan(
  { file }: { file: string | undefined },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<Scan>> {
  const project = await openProject(host, selection).catch((error: unknown) => {
    // A file alone can be scanned anywhere; a project that is there says what it trusts.
    if (file !== undefined && error instanceof MlshipError && error.code === "config.missing") return null;
    throw error;
  });
  const model = file === undefined ? project?.config.model.path : path.resolve(host.cwd, file);
  const document = await scanModel(model ?? host.cwd, { trust: project?.config.model.trust ?? [] });
  return { document, exit: document.verdict === "safe" ? "done" : "gate" };
}
