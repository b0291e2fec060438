// `mlship upload`: judges the model and stores it under its version, without serving it.
import { servingIn } from "../artifacts/channel.ts";
import type { Release } from "../artifacts/release.ts";
import type { Report } from "../validation/report.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { openProject, withStaging } from "./project.ts";
import { storeRelease } from "./release.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { exitOf } from "./validate.ts";

/** mlship.upload/v1: the release, or the report that kept it out. */
export interface UploadDocument extends ResultDocument {
  schema: "mlship.upload/v1";
  store: string;
  report: Report;
  /** Null when the verdict was not pass. */
  release: Release | null;
  /** False when the store held this very release before. */
  created: boolean;
}

/** Stores the project's model when it passes its gates. */
export async function upload(host: Host, selection: ProjectOptions): Promise<Result<UploadDocument>> {
  const project = await openProject(host, selection);
  const store = await host.store(project.config.artifacts);
  const production = await servingIn(store, project.config.name, project.channel);
  return await withStaging(project, host, async (folder) => {
    const judgement = await judge(project, host, folder, { store, production, reuse: true });
    const { report } = judgement;
    const document = { schema: "mlship.upload/v1", store: store.location, report } as const;
    if (report.verdict !== "pass") {
      return { document: { ...document, release: null, created: false }, exit: exitOf[report.verdict] };
    }
    host.signal.throwIfAborted();
    const stored = await storeRelease(project, host, store, judgement, production);
    return { document: { ...document, ...stored }, exit: "done" };
  });
}
