// `mlship upload`: judges the model and stores it under its version, without serving it.
import { servingIn } from "../artifacts/channel.ts";
import type { BumpWish } from "../artifacts/semver.ts";
import type { Release } from "../artifacts/release.ts";
import type { Report } from "../validation/report.ts";
import { openNaming, type Bump } from "./bump.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { openStoreToChange } from "./open-store.ts";
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
  /** How the version was chosen; null without `--bump`. */
  bump: Bump | null;
}

/** How the version is chosen. */
export interface UploadOptions {
  /** Undefined where mlship.yaml decides. */
  bump: BumpWish | undefined;
}

/** Stores the project's model when it passes its gates. */
export async function upload(
  options: UploadOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<UploadDocument>> {
  const project = await openProject(host, selection);
  const naming = await openNaming(host, selection, options.bump);
  const store = await openStoreToChange(host, project);
  let asked: Promise<string | null> | null = null;
  // Once, so that a version's parent is the one that it was compared with; never for one that is stored.
  const production = () => (asked ??= servingIn(store, project.config.name, project.channel));
  return await withStaging(project, host, async (folder) => {
    const judgement = await judge(project, host, folder, { store, production, reuse: true });
    const { report } = judgement;
    const named = await naming.name(project, store, judgement);
    const { bump } = named;
    const document = { schema: "mlship.upload/v1", store: store.location, report, bump } as const;
    if (report.verdict !== "pass") {
      return { document: { ...document, release: null, created: false }, exit: exitOf[report.verdict] };
    }
    host.signal.throwIfAborted();
    const stored = await storeRelease(named.project, host, store, named.judgement, {
      parent: production,
      links: async () => {
        // Planning an image is much code, which an upload that was done before does not need.
        const { findLinks } = await import("./ship/tagged-image.ts");
        return await findLinks(named.project, host, named.judgement);
      },
    });
    await naming.write(named);
    return { document: { ...document, ...stored }, exit: "done" };
  });
}
