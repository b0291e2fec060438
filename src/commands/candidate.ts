// The model that a command works on: copied aside, scanned, locked into an environment, loaded.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { bundleSchema, type Bundle } from "../model/bundle.ts";
import type { InputColumn, Model, Task } from "../model/model.ts";
import { exactLibraries } from "../model/requirements.ts";
import { signatureOf } from "../model/signature.ts";
import type { Dataset } from "../validation/dataset.ts";
import type { ReadLock } from "../image/lock/lock.ts";
import type { Environment, Scorer, WaitingScorer } from "../validation/ports.ts";
import { showBytes } from "../validation/show.ts";
import { openEnvironment, requirementsFor } from "./environment.ts";
import type { Host } from "./host.ts";
import { findLock, type FoundLock, type LockFacts } from "./open-lock.ts";
import type { Project } from "./project.ts";
import { readRows, type Rows } from "./read-rows.ts";
import { stageModel } from "./stage-model.ts";
import { startEarly, startIn } from "./start-early.ts";
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
  /** Python of the environment, to be told to load. */
  scorer: WaitingScorer;
  /** Lets go of data and Python. */
  close: () => Promise<void>;
}

/** A model in its folder, as its files say it. */
interface Staged {
  /** Holds the model's files. */
  folder: string;
  model: Model;
  handler: string | null;
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
  const { staged, rows } = await openModel(project, host, folder);
  // Beside the data, which take as long as Python's imports.
  const early = startEarly(project, host, staged);
  try {
    const subject = await openData(project, host, staged, rows);
    try {
      const found = await locking(project, host, subject);
      const environment = await openEnvironment(project, host, subject.requirements, found);
      const scorer = await startIn(environment, await early, host, staged);
      const close = async () => {
        subject.dataset.close();
        await scorer.close();
      };
      const lock = found?.drift.length === 0 ? found.read : null;
      return { ...subject, lock, environment, scorer, close };
    } catch (error) {
      subject.dataset.close();
      throw error;
    }
  } catch (error) {
    await (await early)?.scorer.close();
    throw error;
  }
}

/** Model and data as their files say it; no Python runs. The caller closes the dataset. */
export async function openSubject(project: Project, host: Host, folder: string): Promise<Subject> {
  const { staged, rows } = await openModel(project, host, folder);
  return await openData(project, host, staged, rows);
}

/** Reads the model, and begins with the rows: the database has threads of its own. */
async function openModel(
  project: Project,
  host: Host,
  folder: string,
): Promise<{ staged: Staged; rows: Rows }> {
  const bundle = path.join(folder, "bundle");
  await mkdir(bundle);
  const rows = readRows(project, host, folder);
  try {
    const staged = await inStep(host, "model", async () => {
      const read = await stageModel(project.config.model, bundle);
      return { result: { folder: bundle, ...read }, told: describe(read.model) };
    });
    return { staged, rows };
  } catch (error) {
    await rows.drop();
    throw error;
  }
}

async function openData(
  project: Project,
  host: Host,
  { folder, model, handler }: Staged,
  rows: Rows,
): Promise<Subject> {
  const dataset = await inStep(host, "data", async () => {
    const opened = await rows.taken;
    return { result: opened, told: `${opened.rows} rows, ${opened.features.length} columns to predict from` };
  }).catch(async (error: unknown) => {
    await rows.drop();
    throw error;
  });
  try {
    const { inputs } = signatureOf(
      model,
      dataset.features.map(({ name, type, nullable }) => ({ name, type, nullable })),
    );
    const requirements = await requirementsFor(project, model, inputs);
    return { folder, model, handler, dataset, inputs, requirements };
  } catch (error) {
    dataset.close();
    throw error;
  }
}

/**
 * Loads the candidate and gives the scorer to `work`.
 * @param task what is written into the bundle until scoring has shown better
 */
export async function withScorer<T>(
  candidate: Candidate,
  identity: { name: string; version: string; task: Task },
  work: (scorer: Scorer) => Promise<T>,
): Promise<T> {
  await writeBundle(candidate.folder, makeBundle(candidate, identity, candidate.model.classes));
  const scorer = await candidate.scorer.load();
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
  return `${estimator?.split(".").at(-1) ?? format} (${format}), ${showBytes(size)}${by}`;
}
