// Decides with evidence whether a model may ship: model and labelled rows in, report and golden rows out.
import type { Gates } from "../config/gates.ts";
import type { Digest } from "../digest.ts";
import type { Model } from "../model/model.ts";
import { type Evaluation, evaluate, type EvaluationInput, type Reading } from "./evaluate.ts";
import { checkGates, decide, judge, noGates, type ProductionMetrics } from "./gates.ts";
import { type Golden, makeGolden } from "./golden.ts";
import { picture } from "./pictures/pictures.ts";
import type { PythonLock } from "./ports.ts";
import { digestInputs, type Report, sealReport } from "./report.ts";

/** The version in production and its metrics on this very data set. */
export interface Baseline {
  version: string;
  modelDigest: Digest;
  metrics: ProductionMetrics;
}

/** What {@link validate} needs. */
export interface Validation extends Omit<EvaluationInput, "model" | "reading"> {
  model: Model;
  lock: PythonLock;
  /** The gates in plain numbers. */
  gates: Gates;
  /** Null when no version is in production yet. */
  baseline: Baseline | null;
  /** `validate` of the configuration; all of it is part of the report's identity. */
  config: Reading;
  /** Version of mlship. */
  version: string;
  /** Milliseconds that never go back. */
  monotonic: () => number;
}

/**
 * Scores, measures and judges. A model that fails its gates is a report with that verdict, not an error.
 * @throws MlshipError `gates.none` and `gates.not-for-task` (exit 2), and as `evaluate`.
 */
export async function validate(input: Validation): Promise<{ report: Report; golden: Golden | null }> {
  const { model, gates, inputs, dataset, config } = input;
  const began = input.monotonic();
  const evaluation = await evaluate({ ...input, reading: config });
  const scoreSeconds = (input.monotonic() - began) / 1000;
  checkGates(gates, evaluation.task);
  if (Object.keys(gates).length === 0) throw noGates(evaluation.task, evaluation.metrics);
  const golden = await makeGolden(model.digest, dataset, inputs, evaluation);
  return { report: makeReport(input, evaluation, golden, scoreSeconds), golden };
}

function makeReport(
  input: Validation,
  evaluation: Evaluation,
  golden: Golden | null,
  scoreSeconds: number,
): Report {
  const { model, lock, gates, baseline, inputs, dataset, config, scorer, version } = input;
  const { task, classes, positive, metrics, findings } = evaluation;
  const { loadSeconds, rss, libraries } = scorer.model;
  const costs = { latencyP99: null, loadTime: loadSeconds, rss, modelSize: model.size };
  const judged = judge(gates, task, metrics, baseline?.metrics ?? null, costs);
  const asked = new Set(inputs.map(({ name }) => name));
  return sealReport({
    schema: "mlship.report/v1",
    tool: { name: "mlship", version },
    inputs: digestInputs({
      model: model.digest,
      inputs,
      dataset: dataset.digest,
      lock: lock.digest,
      config,
      baseline: baseline?.modelDigest ?? null,
    }),
    model: { format: model.format, digest: model.digest, files: model.files, libraries, inputs: [...inputs] },
    dataset: {
      digest: dataset.digest,
      rows: dataset.rows,
      target: dataset.target.name,
      weight: dataset.weight,
      key: dataset.key,
    },
    lock: lock.digest,
    server: lock.server.digest,
    baseline: baseline && { version: baseline.version, model: baseline.modelDigest },
    runtime: { kind: "python", version: lock.python, platform: lock.platform },
    task,
    classes,
    positive,
    metrics: metrics.map(({ name, average, value, reason }) => {
      return { name, average, value, reason, ci: null, n: dataset.rows };
    }),
    comparisons: [],
    slices: [],
    fairness: [],
    ...picture({ answers: evaluation.answers, classes, outputs: [dataset.target.name] }),
    robustness: [],
    data: {
      nulls: dataset.features
        .filter(({ name, nulls }) => nulls > 0 && asked.has(name))
        .map(({ name, nulls }) => ({ column: name, rows: nulls })),
      range: [],
      unseenCategories: [],
      duplicates: null,
      trainOverlap: null,
    },
    profile: { from: "test", features: [], predictions: [] },
    gates: judged,
    findings,
    verdict: decide(judged, findings),
    golden: golden?.digest ?? null,
    volatile: {
      file: dataset.file,
      performance: {
        loadSeconds,
        rss,
        scoreSeconds,
        rowsPerSecond: scoreSeconds > 0 ? dataset.rows / scoreSeconds : null,
        peakRss: rss,
        latency: null,
      },
    },
  });
}
