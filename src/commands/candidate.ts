// The model that a command works on: copied aside, scanned, locked into an environment, loaded.
import { copyFile, cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.ts";
import { MlshipError } from "../errors.ts";
import { bundleSchema, type Bundle } from "../model/bundle.ts";
import { checkNames, digestFiles } from "../model/files.ts";
import { inspectModel } from "../model/inspect.ts";
import type { InputColumn, Model, Task } from "../model/model.ts";
import { exactLibraries, requirementsOf } from "../model/requirements.ts";
import { signatureOf } from "../model/signature.ts";
import { openDataset, type Dataset } from "../validation/dataset.ts";
import { showSize } from "../image/check/sizes.ts";
import { deliveryRequirements } from "../image/lock/delivery-requirements.ts";
import { readRequirements } from "../image/lock/requirements.ts";
import { normaliseName } from "../image/lock/drift.ts";
import { requirementsText } from "../image/lock/text.ts";
import { lockFile, type ReadLock } from "../image/lock/lock.ts";
import type { Decided, Environment, Scorer } from "../validation/ports.ts";
import type { Host } from "./host.ts";
import { findLock, type FoundLock, type LockFacts } from "./open-lock.ts";
import type { Project } from "./project.ts";
import { inStep } from "./step.ts";

/** A model beside its data, as far as their files tell. */
export interface Subject {
  /** Holds the model's files, which nothing changes any more. */
  folder: string;
  model: Model;
  /** The handler's file in `folder`, or null. */
  handler: string | null;
  dataset: Dataset;
  inputs: InputColumn[];
  /** What model and project require of Python: normalised lines, sorted. */
  requirements: string[];
}

/** A model beside its data, ready to be scored. */
export interface Candidate extends Subject {
  /** mlship.lock that the environment was made from; null when there is none, or it has drifted. */
  lock: ReadLock | null;
  environment: Environment;
}

/**
 * Copies the model into `folder`, so that what is scanned is what is loaded, and reads it there.
 * @throws MlshipError `model.*`: missing, of no known format (exit 2), or unsafe to load (exit 3).
 */
export async function stageModel(
  { path: source, format, handler, trust }: Config["model"],
  folder: string,
): Promise<{ model: Model; handler: string | null }> {
  const kind = await stat(source).catch(() => null);
  if (!kind) {
    throw new MlshipError({
      code: "model.missing",
      what: `there is no model at ${source}`,
      fix: "correct model.path in mlship.yaml",
      exit: "usage",
    });
  }
  if (kind.isDirectory()) await checkNames(source);
  const name = path.basename(source);
  const staged = kind.isDirectory() ? folder : path.join(folder, name);
  // Links are copied as links: reading the model refuses those that leave its folder.
  await cp(source, staged, { recursive: true, verbatimSymlinks: true });
  const read = await inspectModel(staged, {
    trust,
    handler: handler !== null,
    ...(format === "auto" ? {} : { format }),
  }).catch((error: unknown) => {
    throw namingOriginal(error, staged, source);
  });
  if (handler === null) return { model: read, handler: null };
  const code = path.basename(handler);
  await copyFile(handler, path.join(folder, code)).catch((cause: unknown) => {
    const fix = "correct model.handler in mlship.yaml";
    throw new MlshipError({
      code: "model.handler-missing",
      what: `there is no handler at ${handler}`,
      fix,
      exit: "usage",
      cause,
    });
  });
  return { model: { ...read, ...(await digestFiles(folder)) }, handler: code };
}

/** The same error about the file that the user knows, not about the copy of it. */
function namingOriginal(error: unknown, copy: string, original: string): unknown {
  if (!(error instanceof MlshipError)) return error;
  const { code, what, why, fix, exit, problems, cause } = error;
  const renamed = (text: string) => text.replaceAll(copy, original);
  return new MlshipError({
    code,
    what: renamed(what),
    ...(why === undefined ? {} : { why: renamed(why) }),
    ...(fix === undefined ? {} : { fix }),
    exit,
    problems,
    cause,
  });
}

/** Gives the lock that a command goes by, for what is known of the model before any Python runs; null for none. */
export type Locking = (project: Project, host: Host, facts: LockFacts) => Promise<FoundLock | null>;

/** Reads model and data, and makes the environment that both are scored in. @param locking by default, mlship.lock when it is there. */
export async function openCandidate(
  project: Project,
  host: Host,
  folder: string,
  locking: Locking = findLock,
): Promise<Candidate> {
  const subject = await openSubject(project, host, folder);
  try {
    const found = await locking(project, host, subject);
    const environment = await openEnvironment(project, host, subject.requirements, found);
    return { ...subject, lock: found?.drift.length === 0 ? found.read : null, environment };
  } catch (error) {
    subject.dataset.close();
    throw error;
  }
}

/** Model and data as their files say it; no Python runs. The caller closes the dataset. */
export async function openSubject(project: Project, host: Host, folder: string): Promise<Subject> {
  const { config } = project;
  const bundle = path.join(folder, "bundle");
  await mkdir(bundle);
  const { model, handler } = await inStep(host, "model", async () => {
    const staged = await stageModel(config.model, bundle);
    return { result: staged, told: describe(staged.model) };
  });
  const { target, weight, key, data, train } = config.validate;
  const dataset = await inStep(host, "data", async () => {
    const roles = {
      target,
      ...(weight === null ? {} : { weight }),
      ...(key === null ? {} : { key }),
      ...(train === null ? {} : { train }),
    };
    const opened = await openDataset(data, roles, path.join(folder, "spill"));
    return { result: opened, told: `${opened.rows} rows, ${opened.features.length} columns to predict from` };
  });
  try {
    const { inputs } = signatureOf(
      model,
      dataset.features.map(({ name, type, nullable }) => ({ name, type, nullable })),
    );
    const own = await ownRequirements(config);
    const delivered = deliveryRequirements[project.config.image.delivery];
    const requirements = [...new Set([...requirementsOf(model, inputs), ...delivered, ...own])].sort();
    return { folder: bundle, model, handler, dataset, inputs, requirements };
  } catch (error) {
    dataset.close();
    throw error;
  }
}

async function openEnvironment(
  { config, state }: Project,
  host: Host,
  requirements: string[],
  found: FoundLock | null,
): Promise<Environment> {
  if (found !== null && found.drift.length > 0)
    host.progress.note(`${lockFile} is out of date (${found.drift.join("; ")}): run mlship lock`);
  return await inStep(host, "environment", async () => {
    const environments = await host.environments(path.join(state, "locks"));
    const lock = await environments.lock(requirements, config.python.version, {
      allowSource: config.python.allowSource.map(normaliseName),
      ...(found === null ? {} : { decided: decidedBy(found, config.python.version) }),
    });
    const packages = lock.requirements.match(/^[\w.-]+==/gm)?.length ?? 0;
    const environment = await environments.prepare(lock);
    const counted = `${packages} ${packages === 1 ? "package" : "packages"}`;
    return { result: environment, told: `Python ${lock.python}, ${counted} locked by hash` };
  });
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

/**
 * Loads the candidate and gives the scorer to `work`.
 * @param task what is written into the bundle until scoring has shown better
 */
export async function withScorer<T>(
  candidate: Candidate,
  identity: { name: string; version: string; task: Task },
  host: Host,
  work: (scorer: Scorer) => Promise<T>,
): Promise<T> {
  await writeBundle(candidate.folder, makeBundle(candidate, identity, candidate.model.classes));
  const scorer = await (await host.scorers()).open(candidate.environment, candidate.folder);
  try {
    return await work(scorer);
  } finally {
    await scorer.close();
  }
}

/** What the server is told about the candidate. */
export function makeBundle(
  { model, handler, inputs, dataset }: Candidate,
  { name, version, task }: { name: string; version: string; task: Task },
  classes: Model["classes"],
): Bundle {
  const { digest, format, entry, reaches } = model;
  return bundleSchema.parse({
    schema: "mlship.bundle/v1",
    name,
    version,
    digest,
    format,
    entry,
    handler,
    task,
    classes,
    inputs,
    ...(dataset.targets.length > 1 ? { outputs: dataset.targets.length } : {}),
    libraries: exactLibraries(model),
    allowed: reaches,
  });
}

async function writeBundle(folder: string, bundle: Bundle): Promise<void> {
  await writeFile(path.join(folder, "mlship.json"), `${JSON.stringify(bundle, null, 2)}\n`);
}

function describe({ estimator, format, libraries, size }: Model): string {
  const saved = Object.entries(libraries).find(([, version]) => version !== null);
  const by = saved ? `, saved with ${saved.join(" ")}` : "";
  return `${estimator?.split(".").at(-1) ?? format} (${format}), ${showSize(size)}${by}`;
}
