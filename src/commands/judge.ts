// Judges a project's model: the way from mlship.yaml to a report, shared by validate, upload and deploy.
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fetchVersion } from "../artifacts/fetch.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import { digestDocument } from "../digest.ts";
import { writeWhole } from "../image/whole-file.ts";
import type { Bundle } from "../model/bundle.ts";
import type { Released } from "../validation/checks/input-order.ts";
import { inspectData } from "../validation/checks/inspect-data.ts";
import { mayThread } from "../validation/checks/threads.ts";
import { presumeTask, type Reading } from "../validation/evaluate.ts";
import { goldenSchema, type Golden } from "../validation/golden.ts";
import { showVerdict } from "../validation/show.ts";
import { digestInputs, reportSchema, type Report } from "../validation/report.ts";
import type { Production } from "../validation/compare/production.ts";
import { validate } from "../validation/validate.ts";
import { makeBundle, openCandidate, withScorer, type Candidate, type Locking } from "./candidate.ts";
import type { Host } from "./host.ts";
import { looksAtProduction, openProduction } from "./production.ts";
import type { Project } from "./project.ts";
import { rowPace } from "./pace.ts";
import { inStep } from "./step.ts";

/** A judged model. */
export interface Judgement {
  candidate: Candidate;
  bundle: Bundle;
  report: Report;
  golden: Golden | null;
}

/** What a report is compared with, and whether one that is already there will do. */
export interface JudgeOptions {
  store: ObjectStore;
  /** The version in production, or null; asked only where something is compared with it. */
  production: () => Promise<string | null>;
  /** Takes the report of an earlier run on exactly the same inputs. */
  reuse: boolean;
  /** The lock that the environment is made from; by default mlship.lock when it is there. */
  locking?: Locking;
}

/**
 * Judges the model of a project and gives the judgement to `work`, while its files are staged.
 * @param folder staging folder
 * @throws MlshipError for everything that stops a verdict; a bad verdict is a report.
 */
export async function judge(
  project: Project,
  host: Host,
  folder: string,
  options: JudgeOptions,
): Promise<Judgement> {
  const candidate = await openCandidate(project, host, folder, options.locking);
  try {
    const { store, production: serving, reuse } = options;
    const source = { project, host, folder, candidate, store, reading: readingOf(project) };
    const looks = looksAtProduction(project.config.validate);
    const served = looks ? await serving() : null;
    const production = served === null ? null : await openProduction(served, source);
    const released = await releasedInputs(candidate, store, project.config.name, serving);
    const { report, golden } = await reportOn(project, host, candidate, { production, released }, reuse);
    const { name, version } = project.config;
    const bundle = makeBundle(candidate, { name, version, task: report.task }, report.classes);
    return { candidate, bundle, report, golden };
  } finally {
    await candidate.close();
  }
}

/**
 * What the version in production takes, where nothing else tells the order of the columns that the
 * candidate goes by.
 */
async function releasedInputs(
  { model, dataset }: Candidate,
  store: ObjectStore,
  name: string,
  production: JudgeOptions["production"],
): Promise<Released | null> {
  if (model.featureNames !== null || dataset.training !== null) return null;
  const serving = await production();
  if (serving === null) return null;
  const { version, bundle } = await fetchVersion(store, name, serving);
  return { version, inputs: bundle.inputs.map((input) => input.name) };
}

/** `validate` of the configuration as validation reads it. */
export function readingOf({ config }: Project): Reading {
  const { task, positive, threshold, gates } = config.validate;
  const quantile = gates.pinball?.alpha;
  return {
    task,
    ...(positive === null ? {} : { positive }),
    ...(threshold === null ? {} : { threshold }),
    ...(quantile === undefined ? {} : { quantile }),
  };
}

async function reportOn(
  project: Project,
  host: Host,
  candidate: Candidate,
  { production, released }: { production: Production | null; released: Released | null },
  reuse: boolean,
): Promise<{ report: Report; golden: Golden | null }> {
  const { model, inputs, dataset, environment } = candidate;
  const { name, version, validate: wanted } = project.config;
  const { data: _file, train: _train, positive: _positive, threshold: _threshold, ...asked } = wanted;
  const config = { ...asked, ...readingOf(project) };
  const { lock } = environment;
  const identity = digestInputs({
    model: model.digest,
    inputs,
    dataset: dataset.digest,
    train: dataset.training?.digest ?? null,
    lock: lock.digest,
    config,
    baseline: production?.modelDigest ?? null,
    released,
  });
  const folder = path.join(project.state, "reports", identity.slice("sha256:".length));
  const earlier = reuse ? await readReport(folder) : null;
  if (earlier?.report.tool.version === host.version) {
    host.progress.note(`validated before on the same model and data: ${earlier.report.verdict}`);
    return earlier;
  }
  // While Python loads the model, the database looks at the rows.
  const handler =
    candidate.handler && (await readFile(path.join(candidate.folder, candidate.handler), "utf8"));
  const inspection = inspectData({ model, inputs, dataset, released, handler, signal: host.signal });
  // Whoever waits for it hears of its fault. The database is not closed before it has ended.
  const inspected = inspection.catch(() => null);
  const scoring = inStep(host, "score", async (update) => {
    const task = presumeTask(wanted.task, model, dataset);
    const made = await withScorer(candidate, { name, version, task }, (scorer) =>
      validate({
        model,
        inputs,
        dataset,
        scorer,
        lock,
        rules: wanted,
        production,
        released,
        inspection,
        effort: wanted.robustness,
        openThreaded: mayThread(model.format, candidate.handler)
          ? async () => await (await host.scorers()).open(environment, candidate.folder, 2)
          : null,
        config,
        version: host.version,
        monotonic: () => host.clock.monotonic(),
        onProgress: rowPace(update, host.clock),
        signal: host.signal,
      }),
    );
    await writeReport(folder, made);
    return { result: made, told: `${dataset.rows} rows: the model ${showVerdict(made.report)}` };
  });
  try {
    return await scoring;
  } finally {
    await inspected;
  }
}

async function readReport(folder: string): Promise<{ report: Report; golden: Golden | null } | null> {
  try {
    const read = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(path.join(folder, name), "utf8"));
    const report = reportSchema.parse(await read("report.json"));
    // Whoever edited it did not judge the model.
    if (report.digest !== digestDocument(report)) return null;
    if (report.golden === null) return { report, golden: null };
    const golden = goldenSchema.parse(await read("golden.json"));
    return report.golden === digestDocument(golden) ? { report, golden } : null;
  } catch {
    // A report that is not there, or was written by another mlship: it is made anew.
    return null;
  }
}

async function writeReport(
  folder: string,
  { report, golden }: { report: Report; golden: Golden | null },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  // The report comes last: what can be read is whole.
  if (golden !== null) await writeWhole(path.join(folder, "golden.json"), golden);
  await writeWhole(path.join(folder, "report.json"), report);
}
