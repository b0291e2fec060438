// Python that is started and imports while something else is done.
import type { Model } from "../model/model.ts";
import type { Environment, WaitingScorer } from "../validation/ports.ts";
import { findEnvironment, requirementsFor } from "./environment.ts";
import type { Host } from "./host.ts";
import { findLock } from "./open-lock.ts";
import type { Project } from "./project.ts";

/** Python in one environment. */
interface Started {
  environment: Environment;
  scorer: WaitingScorer;
}

/** A scanned model in its folder. */
interface Scanned {
  folder: string;
  model: Model;
  handler: string | null;
}

/**
 * Starts the Python that a scanned model will most likely need, if its environment is there: the one
 * without what columns of text ask for. Nothing is made for it, and nothing of the model is loaded. Never
 * rejects: what is wrong is told by those who look in earnest.
 */
export async function startEarly(project: Project, host: Host, scanned: Scanned): Promise<Started | null> {
  try {
    const requirements = await requirementsFor(project, scanned.model, []);
    const found = await findLock(project, host, { model: scanned.model, requirements });
    const environment = await findEnvironment(project, host, requirements, found);
    return environment && { environment, scorer: await start(environment, host, scanned) };
  } catch {
    return null;
  }
}

/** Python in this environment: the one that was started early, if that is right. */
export async function startIn(
  environment: Environment,
  early: Started | null,
  host: Host,
  scanned: Scanned,
): Promise<WaitingScorer> {
  if (early?.environment.lock.digest === environment.lock.digest) return early.scorer;
  await early?.scorer.close();
  return await start(environment, host, scanned);
}

async function start(environment: Environment, host: Host, scanned: Scanned) {
  return await (await host.scorers()).start(environment, scanned.folder, modulesOf(scanned));
}

/** Formats that name the classes of Python that they are made of; others name operators. */
const namesClasses: ReadonlySet<Model["format"]> = new Set(["sklearn", "skops"]);

/** What loading imports: the loader with its library, and the modules of the classes that the scan allows. */
export function modulesOf({ model, handler }: Pick<Scanned, "model" | "handler">): string[] {
  // A handler imports what it needs itself.
  if (handler !== null) return ["mlship_server.model"];
  const classes = namesClasses.has(model.format) ? model.reaches : [];
  const modules = classes.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("."))));
  return [...new Set([`mlship_server.loaders.${model.format}`, ...modules])].filter((name) => name !== "");
}
