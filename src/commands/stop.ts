// `mlship stop`: stops what serves. The store and its history stay.
import { MlshipError } from "../errors.ts";
import { holderOf, type Host } from "./host.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { openSite } from "./site.ts";

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
  const { project, target } = await openSite(host, selection, "mlship stop");
  const { name, deploy } = project.config;
  const { stable } = await target.observe();
  // On a cluster there may be objects of the model although nothing serves.
  const isCluster = deploy.target === "kubernetes";
  const asks = stable !== null || isCluster;
  const what = stable === null ? name : `${name} ${stable.version}`;
  if (asks && !yes) await askFirst(host, `Stop ${what} on ${target.place}?`);
  // On a cluster the lock is one of the objects that go, so the target takes it itself.
  const held = isCluster ? null : await target.lock.acquire(holderOf(host, "mlship stop"));
  try {
    await target.stop();
  } finally {
    await held?.release();
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
