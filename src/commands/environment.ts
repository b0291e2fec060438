// The Python environment of a model: what it has to hold, and how it is made or only found.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.ts";
import { MlshipError } from "../errors.ts";
import { deliveryRequirements } from "../image/lock/delivery-requirements.ts";
import { normaliseName } from "../image/lock/drift.ts";
import { lockFile } from "../image/lock/lock.ts";
import { readRequirements } from "../image/lock/requirements.ts";
import { requirementsText } from "../image/lock/text.ts";
import type { InputColumn, Model } from "../model/model.ts";
import { requirementsOf } from "../model/requirements.ts";
import type { Decided, Environment, LockOptions } from "../validation/ports.ts";
import type { Host } from "./host.ts";
import type { FoundLock } from "./open-lock.ts";
import type { Project } from "./project.ts";
import { inStep } from "./step.ts";

/**
 * What model and project require of Python: normalised lines, sorted.
 * @throws MlshipError `python.requirements-missing`, `python.bad-requirement`.
 */
export async function requirementsFor(
  { config }: Project,
  model: Model,
  inputs: readonly InputColumn[],
): Promise<string[]> {
  const own = await ownRequirements(config);
  const delivered = deliveryRequirements[config.image.delivery];
  return [...new Set([...requirementsOf(model, inputs), ...delivered, ...own])].sort();
}

/** Makes the environment, or takes the one that is there. @throws MlshipError `python.*`. */
export async function openEnvironment(
  project: Project,
  host: Host,
  requirements: string[],
  found: FoundLock | null,
): Promise<Environment> {
  const { version } = project.config.python;
  if (found !== null && found.drift.length > 0)
    host.progress.note(`${lockFile} is out of date (${found.drift.join("; ")}): run mlship lock`);
  return await inStep(host, "environment", async () => {
    const environments = await environmentsOf(project, host);
    const lock = await environments.lock(requirements, version, lockOptions(project, found));
    const packages = lock.requirements.match(/^[\w.-]+==/gm)?.length ?? 0;
    const environment = await environments.prepare(lock);
    const counted = `${packages} ${packages === 1 ? "package" : "packages"}`;
    return { result: environment, told: `Python ${lock.python}, ${counted} locked by hash` };
  });
}

/** The environment that {@link openEnvironment} would give, if it is there already. */
export async function findEnvironment(
  project: Project,
  host: Host,
  requirements: string[],
  found: FoundLock | null,
): Promise<Environment | null> {
  const environments = await environmentsOf(project, host);
  return await environments.find(requirements, project.config.python.version, lockOptions(project, found));
}

const environmentsOf = ({ state }: Project, host: Host) => host.environments(path.join(state, "locks"));

function lockOptions({ config: { python } }: Project, found: FoundLock | null): LockOptions {
  const allowSource = python.allowSource.map(normaliseName);
  return found === null ? { allowSource } : { allowSource, decided: decidedBy(found, python.version) };
}

/** What the lock decides: all when it is the project's, else the versions that still fit. */
function decidedBy({ read: { lock }, drift }: FoundLock, wanted: string): Decided {
  const preferred = Object.values(lock.packages)[0] ?? [];
  const python = wanted === "auto" || wanted === lock.python ? lock.python : null;
  if (drift.length > 0) return { python, exact: {}, preferred };
  const exact = lock.inputs.platforms.map((platform) => [platform, requirementsText(lock, platform)]);
  return { python, exact: Object.fromEntries(exact), preferred };
}

/** The project's own requirements. @throws MlshipError `python.requirements-missing`, `python.bad-requirement`. */
async function ownRequirements({ python, folder }: Config): Promise<string[]> {
  const file = python.requirements;
  if (file === null) return [];
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const fix = "correct python.requirements in mlship.yaml";
    throw new MlshipError({
      code: "python.requirements-missing",
      what: `${file} cannot be read`,
      fix,
      exit: "usage",
      cause,
    });
  });
  return readRequirements(text, path.relative(folder, file));
}
