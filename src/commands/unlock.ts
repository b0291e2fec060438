// `mlship unlock`: takes the rollout's lock from whoever holds it, so that its next write is refused.
import { MlshipError } from "../errors.ts";
import type { Holder } from "../rollout/ports.ts";
import { keepingOf } from "../targets/kubernetes/keeping.ts";
import { confirmPlace } from "./confirm-place.ts";
import { holderOf, type Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { openSite } from "./site.ts";

/** mlship.unlock/v1 */
export interface UnlockDocument extends ResultDocument {
  schema: "mlship.unlock/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  channel: string;
  place: string;
  /** Who held the lock; null when nobody did. */
  holder: Holder | null;
  /** Milliseconds since the holder's last renewal; null when that is not known. */
  idleMs: number | null;
  /** What is written under an older epoch is refused; null when nothing had to be unlocked. */
  epoch: number | null;
}

/**
 * Shows who holds the lock, asks, and takes it over.
 * @throws MlshipError `unlock.unconfirmed` (exit 2); `unlock.local` (exit 2): on this machine the lock
 *   of a process that is gone falls by itself.
 */
export async function unlock(
  { yes }: { yes: boolean },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<UnlockDocument>> {
  const project = await openProject(host, selection);
  if (project.config.deploy.target === "kubernetes") return await unlockCluster(project, host, yes);
  const { target } = await openSite(host, selection, "mlship unlock");
  const holder = await target.lock.holder();
  if (holder !== null) throw localHolder(holder);
  return resultOf(project, host, { place: target.place, holder, idleMs: null, epoch: null });
}

async function unlockCluster(project: Project, host: Host, yes: boolean): Promise<Result<UnlockDocument>> {
  await confirmPlace(project, host, "mlship unlock", yes);
  const { name, deploy } = project.config;
  const { context, namespace, split } = { ...deploy, split: deploy.canary.split };
  const cluster = await host.cluster({ context, namespace });
  try {
    const { lock } = keepingOf(cluster, {
      name,
      alsoFenced: split === "gateway" ? ["HTTPRoute"] : [],
      told: (text) => host.progress.note(text),
      signal: host.signal,
    });
    const place = `context ${cluster.context}, namespace ${namespace}`;
    const { holder = null, idleMs = null } = (await lock.state()) ?? {};
    if (holder === null) return resultOf(project, host, { place, holder, idleMs: null, epoch: null });
    for (const line of linesAbout(holder, idleMs)) host.progress.note(line);
    if (!yes) await askFirst(host, name);
    const held = await lock.seize(holderOf(host, "mlship unlock"));
    await held.release();
    return resultOf(project, host, { place, holder, idleMs, epoch: held.epoch });
  } finally {
    cluster.close();
  }
}

function resultOf(
  { config, channel }: Project,
  host: Host,
  more: Pick<UnlockDocument, "place" | "holder" | "idleMs" | "epoch">,
): Result<UnlockDocument> {
  const at = host.clock.now().toISOString();
  return { document: { schema: "mlship.unlock/v1", at, name: config.name, channel, ...more }, exit: "done" };
}

/** What a person has to know before saying yes. */
function linesAbout({ doing, user, host, pid, since, url }: Holder, idleMs: number | null): string[] {
  const renewed = idleMs === null ? "at an unknown time" : `${Math.round(idleMs / 1000)} s ago`;
  return [
    `\`${doing}\` by ${user}, process ${pid} on ${host}, holds the lock since ${since}`,
    ...(url === undefined ? [] : [`it works in ${url}`]),
    `it last renewed the lock ${renewed}`,
  ];
}

async function askFirst(host: Host, name: string): Promise<void> {
  const question = `Take the lock of ${name} from it? If it still works, its next write is refused`;
  if (host.interactive && (await host.confirm(question))) return;
  throw new MlshipError({
    code: "unlock.unconfirmed",
    what: "the lock stays with its holder",
    why: host.interactive ? "you did not say yes" : "there is no terminal to ask on",
    fix: "add --yes to take it without a question",
    exit: "usage",
  });
}

function localHolder({ doing, user, pid, host, since }: Holder): MlshipError {
  return new MlshipError({
    code: "unlock.local",
    what: "a lock on this machine cannot be taken from a process that lives",
    why: `\`${doing}\` by ${user}, process ${pid} on ${host}, holds it since ${since}; once the process is gone, the lock is free`,
    fix: `ask it to stop with \`mlship abort\`, or end process ${pid}`,
    exit: "usage",
  });
}
