// `mlship stop`: stops what serves on this machine. The store and its history stay.
import { MlshipError } from "../errors.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { holderOf } from "./host.ts";
import { openTarget } from "./target.ts";

/** mlship.stop/v1 */
export interface StopDocument extends ResultDocument {
  schema: "mlship.stop/v1";
  name: string;
  channel: string;
  place: string;
  /** The version that served; null when nothing did. */
  stopped: string | null;
}

/** Drains and stops every server of the project's channel. */
export async function stop(
  { yes }: { yes: boolean },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<StopDocument>> {
  const project = await openProject(host, selection);
  const { name } = project.config;
  const store = await host.store(project.config.artifacts.store);
  const target = await openTarget(project, host, store);
  const { stable } = await target.observe();
  if (stable !== null && !yes) await askFirst(host, `Stop ${name} ${stable.version} on ${target.place}?`);
  const held = await target.lock.acquire(holderOf(host, "mlship stop"));
  try {
    await target.stop();
  } finally {
    await held.release();
  }
  const document = {
    schema: "mlship.stop/v1",
    name,
    channel: project.channel,
    place: target.place,
    stopped: stable?.version ?? null,
  } as const;
  return { document, exit: "done" };
}

async function askFirst(host: Host, question: string): Promise<void> {
  if (host.interactive && (await host.confirm(question))) return;
  throw new MlshipError({
    code: "stop.unconfirmed",
    what: "nothing was stopped",
    why: host.interactive ? "you did not say yes" : "there is no terminal to ask on",
    fix: "add --yes to stop without a question",
    exit: "usage",
  });
}
