// Judges a project's model: the way from mlship.yaml to a report, shared by validate, upload and deploy.
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fetchBlob, fetchLock, fetchServerFile, fetchVersion, materialise } from "../artifacts/fetch.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Release } from "../artifacts/release.ts";
import { digestDocument } from "../digest.ts";
import { writeWhole } from "../image/whole-file.ts";
import type { Bundle } from "../model/bundle.ts";
import { evaluate, type Reading } from "../validation/evaluate.ts";
import { goldenSchema, type Golden } from "../validation/golden.ts";
import { showVerdict } from "../validation/show.ts";
import { digestInputs, reportSchema, type Report } from "../validation/report.ts";
import { validate, type Baseline } from "../validation/validate.ts";
import { makeBundle, openCandidate, withScorer, type Candidate, type Locking } from "./candidate.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";
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
  /** The version in production, or null. */
  production: string | null;
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
    const baseline = await openBaseline(project, host, folder, candidate, options);
    const { report, golden } = await reportOn(project, host, candidate, baseline, options.reuse);
    const { name, version } = project.config;
    const bundle = makeBundle(candidate, { name, version, task: report.task }, report.classes);
    return { candidate, bundle, report, golden };
  } finally {
    candidate.dataset.close();
  }
}

/** `validate` of the configuration as validation reads it. */
export function readingOf({ config }: Project): Reading {
  const { task, positive, threshold } = config.validate;
  return { task, ...(positive === null ? {} : { positive }), ...(threshold === null ? {} : { threshold }) };
}

async function reportOn(
  project: Project,
  host: Host,
  candidate: Candidate,
  baseline: Baseline | null,
  reuse: boolean,
): Promise<{ report: Report; golden: Golden | null }> {
  const { model, inputs, dataset, environment } = candidate;
  const { name, version, validate: wanted } = project.config;
  const { data: _file, positive: _positive, threshold: _threshold, ...asked } = wanted;
  const config = { ...asked, ...readingOf(project) };
  const { lock } = environment;
  const identity = digestInputs({
    model: model.digest,
    inputs,
    dataset: dataset.digest,
    lock: lock.digest,
    config,
    baseline: baseline?.modelDigest ?? null,
  });
  const folder = path.join(project.state, "reports", identity.slice("sha256:".length));
  const earlier = reuse ? await readReport(folder) : null;
  if (earlier?.report.tool.version === host.version) {
    host.progress.note(`validated before on the same model and data: ${earlier.report.verdict}`);
    return earlier;
  }
  return await inStep(host, "score", async (update) => {
    const task = wanted.task === "auto" ? (model.task ?? "regression") : wanted.task;
    const made = await withScorer(candidate, { name, version, task }, host, (scorer) =>
      validate({
        model,
        inputs,
        dataset,
        scorer,
        lock,
        gates: wanted.gates,
        baseline,
        config,
        version: host.version,
        monotonic: () => host.clock.monotonic(),
        onProgress: (done, total) => update(`${done} of ${total} rows`),
        signal: host.signal,
      }),
    );
    await writeReport(folder, made);
    return { result: made, told: `${dataset.rows} rows: the model ${showVerdict(made.report)}` };
  });
}

async function openBaseline(
  project: Project,
  host: Host,
  folder: string,
  candidate: Candidate,
  { store, production }: JudgeOptions,
): Promise<Baseline | null> {
  if (production === null) return null;
  const release = await fetchVersion(store, project.config.name, production);
  const text = Buffer.from(await fetchBlob(store, release.report.file)).toString("utf8");
  const report = reportSchema.parse(JSON.parse(text));
  const baseline = { version: production, modelDigest: release.model.digest };
  if (report.dataset.digest === candidate.dataset.digest) return { ...baseline, metrics: report.metrics };
  const compared = Object.values(project.config.validate.gates).some((gate) => gate.maxDrop !== undefined);
  // Metrics on other rows say nothing about this data; scoring again is worth it only for a gate.
  if (!compared) return null;
  return { ...baseline, metrics: await scoreAgain(project, host, folder, candidate, store, release) };
}

async function scoreAgain(
  project: Project,
  host: Host,
  folder: string,
  { dataset }: Candidate,
  store: ObjectStore,
  release: Release,
): Promise<Report["metrics"]> {
  return await inStep(host, `score ${release.version}, now in production`, async (update) => {
    const bundleFolder = path.join(folder, "production");
    await materialise(store, release, bundleFolder);
    const environments = await host.environments(path.join(project.state, "locks"));
    const environment = await environments.prepare(await fetchLock(store, release), (file) =>
      fetchServerFile(store, release, file),
    );
    const scorer = await (await host.scorers()).open(environment, bundleFolder);
    try {
      const { task, classes, inputs } = release.bundle;
      const onProgress = (done: number, total: number) => update(`${done} of ${total} rows`);
      const { metrics } = await evaluate({
        model: { task, classes },
        inputs,
        dataset,
        scorer,
        reading: readingOf(project),
        onProgress,
        signal: host.signal,
      });
      const result = metrics.map(({ name, average, value, reason }) => ({
        name,
        average,
        value,
        reason,
        ci: null,
        n: dataset.rows,
      }));
      return { result, told: `${dataset.rows} rows` };
    } finally {
      await scorer.close();
    }
  });
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
