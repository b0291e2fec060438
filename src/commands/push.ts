// `mlship push`: the image that was built last goes to its registry, under its version and its digest.
import { MlshipError } from "../errors.ts";
import { readLatestImage, type KeptImage } from "../image/build-record.ts";
import type { Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import { sendImage, targetOf, type SentImages } from "./push/send-image.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** mlship.push/v1 */
export interface PushDocument extends ResultDocument, SentImages {
  schema: "mlship.push/v1";
}

/** Pushes what `mlship build` made and tested. */
export async function push(host: Host, selection: ProjectOptions): Promise<Result<PushDocument>> {
  const project = await openProject(host, selection);
  const target = targetOf(project);
  const sent = await sendImage(target, host, await builtImage(project));
  return { document: { schema: "mlship.push/v1", ...sent }, exit: "done" };
}

async function builtImage({ config, state }: Project): Promise<KeptImage> {
  const kept = await readLatestImage(state);
  const wanted = `${config.name} ${config.version}`;
  if (kept === null) {
    throw new MlshipError({
      code: "push.no-image",
      what: `there is no image of ${wanted} to push`,
      fix: "run `mlship build` first",
      exit: "usage",
    });
  }
  const { name, version } = kept.built;
  if (name === config.name && version === config.version) return kept;
  throw new MlshipError({
    code: "push.stale",
    what: `the image that was built last is ${name} ${version}, and mlship.yaml is ${wanted}`,
    fix: "run `mlship build` first",
    exit: "usage",
  });
}
