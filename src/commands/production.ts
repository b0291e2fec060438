// The version in production on the candidate's rows: scored again, or as it was scored before on the same ones.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fetchLock, fetchServerFile, fetchVersion, materialise } from "../artifacts/fetch.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Release } from "../artifacts/release.ts";
import type { Config } from "../config/config.ts";
import type { Gates } from "../config/gates.ts";
import { digestDocument } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { readAnswers, writeAnswers } from "../validation/compare/answers-file.ts";
import { answeredOf, type Answered, type Production } from "../validation/compare/production.ts";
import { evaluate, type Reading } from "../validation/evaluate.ts";
import type { Candidate } from "./candidate.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";
import { rowPace } from "./pace.ts";
import { inStep } from "./step.ts";

/** Whether any gate looks at the version in production. */
export function looksAtProduction({ gates, slices }: Pick<Config["validate"], "gates" | "slices">): boolean {
  const compares = (some: Gates) => Object.values(some).some((gate) => gate.maxDrop !== undefined);
  return compares(gates) || slices.some((slice) => slice.gates !== null && compares(slice.gates));
}

/** What {@link openProduction} works with. */
export interface ProductionSource {
  project: Project;
  host: Host;
  /** Staging folder. */
  folder: string;
  candidate: Candidate;
  store: ObjectStore;
  reading: Reading;
}

/**
 * The answers of the version in production to the candidate's rows: always to the same rows, whatever its
 * own report was made on. A version that cannot answer them is no error here: the gates that need it
 * say so.
 * @throws MlshipError when the store or the environment is not to be had.
 */
export async function openProduction(version: string, source: ProductionSource): Promise<Production> {
  const { project, candidate, store, reading } = source;
  const release = await fetchVersion(store, project.config.name, version);
  const known = { version, modelDigest: release.model.digest };
  const { dataset } = candidate;
  const key = digestDocument({
    schema: "mlship.answers/v1",
    model: release.model.digest,
    lock: release.python.digest,
    dataset: dataset.digest,
    targets: dataset.targets.map(({ name }) => name),
    reading,
  });
  const file = path.join(project.state, "answers", `${key.slice("sha256:".length)}.bin`);
  const kept = await readFile(file).then(readAnswers, () => null);
  if (kept) return { ...known, answered: kept, reason: null };
  try {
    const answered = await scoreAgain(release, source);
    await keepAnswers(file, answered);
    return { ...known, answered, reason: null };
  } catch (error) {
    // Other columns, other labels: what it was released for is not what is judged today.
    if (!(error instanceof MlshipError) || error.exit !== "usage") throw error;
    return { ...known, answered: null, reason: error.what };
  }
}

async function scoreAgain(
  release: Release,
  { project, host, folder, candidate: { dataset }, store, reading }: ProductionSource,
): Promise<Answered> {
  return await inStep(host, `score ${release.version}, now in production`, async (update) => {
    const bundleFolder = path.join(folder, "production");
    await materialise(store, release, bundleFolder);
    const environments = await host.environments(path.join(project.state, "locks"));
    const environment = await environments.prepare(await fetchLock(store, release), (served) =>
      fetchServerFile(store, release, served),
    );
    const scorer = await (await host.scorers()).open(environment, bundleFolder);
    try {
      const { task, classes, inputs } = release.bundle;
      const onProgress = rowPace(update, host.clock);
      const model = { task, classes };
      const { signal } = host;
      const scored = await evaluate({ model, inputs, dataset, scorer, reading, onProgress, signal });
      return { result: answeredOf(scored), told: `${dataset.rows} rows` };
    } finally {
      await scorer.close();
    }
  });
}

/** Answers of so many versions and data sets are kept; the oldest go first. */
const mostKept = 4;

async function keepAnswers(file: string, answered: Answered): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const part = `${file}.${crypto.randomUUID()}.part`;
  await writeFile(part, writeAnswers(answered));
  await rename(part, file);
  const names = await readdir(folder);
  const dated = await Promise.all(
    names.map(async (name) => {
      const at = path.join(folder, name);
      // Another command may have removed it meanwhile.
      return { at, time: (await stat(at).catch(() => null))?.mtimeMs ?? 0 };
    }),
  );
  for (const { at } of dated.toSorted((a, b) => b.time - a.time).slice(mostKept))
    await rm(at, { force: true });
}
