// `mlship build`: the image of the judged model, built from the lock, tried out, and kept for push.
import { servingIn } from "../artifacts/channel.ts";
import type { BuiltImage } from "../image/built.ts";
import { makeImage, planMaking, type BuildOptions } from "./build/make-image.ts";
import { requirePass } from "./build/require-pass.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { requireLock } from "./open-lock.ts";
import { openProject, withStaging } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";

/** Builds the project's image unless it is there already. */
export async function build(
  options: BuildOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<BuiltImage>> {
  const project = await openProject(host, selection);
  const { name, artifacts } = project.config;
  const store = await host.store(artifacts);
  const production = () => servingIn(store, name, project.channel);
  return await withStaging(project, host, async (folder) => {
    // Judged in the environment that the image will have: its lock is made or refused before.
    const asked = { store, production, reuse: true, locking: requireLock };
    const judgement = await judge(project, host, folder, asked);
    requirePass(judgement);
    const { built } = await makeImage(await planMaking(project, host, judgement), options);
    return { document: built, exit: "done" };
  });
}
