// `mlship init`: writes mlship.yaml from what is in the folder, with gates from what the model reaches today.
import { readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { resolveConfig } from "../config/config.ts";
import { mlshipJsonSchema } from "../config/json-schema.ts";
import { configFile } from "../config/load.ts";
import { writtenSchema } from "../config/schema.ts";
import { MlshipError } from "../errors.ts";
import { inspectModel } from "../model/inspect.ts";
import type { ModelFormat, Task } from "../model/model.ts";
import { detectFormat } from "../model/open.ts";
import { readColumnNames } from "../validation/columns.ts";
import { evaluate, presumeTask } from "../validation/evaluate.ts";
import { defaultMetrics } from "../validation/metrics/measure.ts";
import { intervalOf } from "../validation/statistics/interval.ts";
import { openCandidate, withScorer } from "./candidate.ts";
import { rowPace } from "./pace.ts";
import { inStep } from "./step.ts";
import type { Host } from "./host.ts";
import { proposeGates, type Reached } from "./init/gates.ts";
import { proposeName } from "./init/name.ts";
import { recogniseProject, type Choices } from "./init/recognise.ts";
import { guessTarget } from "./init/target.ts";
import { writeConfig } from "./init/write.ts";
import { makeState, projectOf, withStaging, type Project } from "./project.ts";
import type { Result, ResultDocument } from "./result.ts";

/** What the user says; the rest is found out. */
export interface InitOptions extends Choices {
  name: string | undefined;
  target: string | undefined;
  /** Replaces a mlship.yaml that is there. */
  force: boolean;
}

/** mlship.init/v1: what was found and written. */
export interface InitDocument extends ResultDocument {
  schema: "mlship.init/v1";
  file: string;
  /** The text of mlship.yaml. */
  text: string;
  model: string;
  data: string;
  target: string;
  task: Task;
  /** Metric → what the model reaches on the data now. */
  measured: Record<string, number>;
  /** False when no metric gave a gate that says anything. */
  gated: boolean;
}

const firstVersion = "1.0.0";

/** Recognises the project in the host's folder and writes its configuration. */
export async function init(options: InitOptions, host: Host): Promise<Result<InitDocument>> {
  const folder = host.cwd;
  const file = path.join(folder, configFile);
  if (!options.force && (await stat(file).catch(() => null))) throw alreadyThere();
  const found = await inStep(host, "look", async () => {
    const listed = await readdir(folder, { withFileTypes: true });
    const entries = listed.map((entry) => ({
      name: entry.name,
      kind: entry.isDirectory() ? ("folder" as const) : ("file" as const),
    }));
    const recognised = await recogniseProject(entries, (name) => formatOf(path.join(folder, name)), options);
    return {
      result: recognised,
      told: `${recognised.model.path} is a model, ${recognised.data} has labelled rows`,
    };
  });
  const { featureNames } = await inspectModel(path.join(folder, found.model.path), {
    handler: found.handler !== null,
    trust: [],
  });
  const target =
    options.target ?? guessTarget(await readColumnNames(path.join(folder, found.data)), featureNames);
  const name = options.name ?? proposeName(path.basename(folder));
  const written = writtenSchema.parse({
    name,
    version: firstVersion,
    model: { path: found.model.path, ...(found.handler === null ? {} : { handler: found.handler }) },
    ...(found.requirements === null ? {} : { python: { requirements: found.requirements } }),
    validate: { data: found.data, target },
  });
  const project = projectOf(resolveConfig(written, folder, null));
  const { task, reached } = await measureToday(project, host);
  const gates = proposeGates(reached, task);
  const schema = path.join(await makeState(project), "mlship.schema.json");
  const text = writeConfig({
    schema: path.relative(folder, schema),
    name,
    version: firstVersion,
    model: { path: found.model.path, format: found.model.format, handler: found.handler },
    requirements: found.requirements,
    data: found.data,
    target,
    task,
    gates,
    measured: reached,
  });
  await writeFile(schema, `${JSON.stringify(mlshipJsonSchema(), null, 2)}\n`);
  await writeFile(file, text, options.force ? {} : { flag: "wx" });
  const document = {
    file,
    text,
    model: found.model.path,
    data: found.data,
    target,
    task,
    measured: Object.fromEntries(Object.entries(reached).map(([metric, { value }]) => [metric, value])),
    gated: Object.keys(gates).length > 0,
  };
  return { document: { schema: "mlship.init/v1", ...document }, exit: "done" };
}

async function measureToday(
  project: Project,
  host: Host,
): Promise<{ task: Task; reached: Record<string, Reached> }> {
  return await withStaging(project, host, async (folder) => {
    const candidate = await openCandidate(project, host, folder);
    try {
      return await inStep(host, "score", async (update) => {
        const { name, version } = project.config;
        const presumed = presumeTask("auto", candidate.model, candidate.dataset);
        const identity = { name, version, task: presumed };
        const { task, metrics, answers } = await withScorer(candidate, identity, (scorer) =>
          evaluate({
            ...candidate,
            scorer,
            reading: {},
            signal: host.signal,
            onProgress: rowPace(update, host.clock),
          }),
        );
        const { confidence } = project.config.validate;
        const reached = defaultMetrics(task, metrics).flatMap(({ name: metric, average, value }) => {
          if (value === null) return [];
          const ci = intervalOf(answers, { name: metric, average }, confidence);
          return [[metric, { value, ci }] as const];
        });
        return {
          result: { task, reached: Object.fromEntries(reached) },
          told: `${candidate.dataset.rows} rows, ${task}`,
        };
      });
    } finally {
      await candidate.close();
    }
  });
}

async function formatOf(file: string): Promise<ModelFormat | null> {
  try {
    return (await detectFormat(file)).format;
  } catch (error) {
    // Not a model, or one that cannot be read: no candidate.
    if (error instanceof MlshipError && error.code.startsWith("model.")) return null;
    throw error;
  }
}

function alreadyThere(): MlshipError {
  return new MlshipError({
    code: "init.exists",
    what: `${configFile} is already here`,
    fix: "edit it, or replace it with mlship init --force",
    exit: "usage",
  });
}
