// Decides with evidence whether a model may ship: model and labelled rows in, report and golden rows out.
import type { Model } from "../model/model.ts";
import type { Effort } from "./checks/ask-otherwise.ts";
import type { Released } from "./checks/input-order.ts";
import { type DataInspection, inspectData } from "./checks/inspect-data.ts";
import { inspectModel, type ModelInspection } from "./checks/inspect-model.ts";
import { type Evaluation, evaluate, type EvaluationInput, type Reading } from "./evaluate.ts";
import { type Evidence, gatherEvidence, type Rules } from "./evidence.ts";
import { checkGates, noGates } from "./gates/check.ts";
import { decide } from "./gates/verdict.ts";
import { type Golden, makeGolden } from "./golden.ts";
import { seedOf } from "./compare/compare.ts";
import type { Production } from "./compare/production.ts";
import { picture } from "./pictures/pictures.ts";
import type { PythonLock, Scorer } from "./ports.ts";
import { digestInputs, type Report, sealReport } from "./report.ts";
import { type Divided, divideRows } from "./slices/discover.ts";
import { selectSlices } from "./slices/select.ts";

/** What {@link validate} needs. */
export interface Validation extends Omit<EvaluationInput, "model" | "reading"> {
  model: Model;
  lock: PythonLock;
  rules: Rules;
  /** Null when no version is in production yet, and when no gate looks at it. */
  production: Production | null;
  /** As in `inspectData`. */
  released?: Released | null | undefined;
  /** What the rows show, where it was begun while the model was still being loaded. */
  inspection?: Promise<DataInspection> | undefined;
  /** How much the model is asked again. */
  effort: Effort;
  /** As in `askOtherwise`. */
  openThreaded: (() => Promise<Scorer>) | null;
  /** `validate` of the configuration; all of it is part of the report's identity. */
  config: Reading;
  /** Version of mlship. */
  version: string;
  /** Milliseconds that never go back. */
  monotonic: () => number;
}

/**
 * Scores, measures and judges. A model that fails its gates is a report with that verdict, not an error.
 * @throws MlshipError `gates.none`, `gates.not-for-task` and `validate.slice` (exit 2), and as `evaluate`.
 */
export async function validate(input: Validation): Promise<{ report: Report; golden: Golden | null }> {
  const { model, rules, production, inputs, dataset, scorer } = input;
  // Before the model runs: a predicate that nobody can read needs no scoring to be seen.
  const selections = await selectSlices(dataset, rules.slices);
  const { rows, divided, evaluation, scoreSeconds } = await lookAndScore(input);
  checkGates(rules, evaluation.task);
  if (Object.keys(rules.gates).length === 0) throw noGates(evaluation.task, evaluation.metrics);
  const golden = await makeGolden(model.digest, dataset, inputs, evaluation);
  const needsLatency = rules.gates.latencyP99 !== undefined;
  const asked = await inspectModel({ ...input, evaluation, golden, needsLatency });
  // The model is not asked any more: what follows can have its memory, and Python ends beside it.
  const closed = scorer.close();
  const evidence = await gatherEvidence({
    rules,
    dataset,
    evaluation,
    selections,
    production,
    divided,
    costs: {
      latencyP99: asked.costs.latency?.p99 ?? null,
      loadTime: scorer.model.loadSeconds,
      rss: scorer.model.rss,
      modelSize: model.size,
    },
    seed: seedOf(model.digest, dataset.digest),
  });
  await closed;
  return { report: makeReport(input, { rows, evaluation, asked, evidence, golden, scoreSeconds }), golden };
}

/** Looks at the rows while the model scores them. What is wrong with the rows is told first. */
async function lookAndScore(
  input: Validation,
): Promise<Pick<Found, "rows" | "evaluation" | "scoreSeconds"> & { divided: Divided | null }> {
  const { config: reading, monotonic, signal, dataset } = input;
  const broken = new AbortController();
  const look = async () => {
    const rows = await (input.inspection ?? inspectData(input));
    return { rows, divided: await divideRows(dataset, rows.profile.features) };
  };
  const looking = look().catch((error: unknown) => {
    broken.abort(error);
    throw error;
  });
  const began = monotonic();
  const either = signal === undefined ? broken.signal : AbortSignal.any([signal, broken.signal]);
  const scoring = evaluate({ ...input, reading, signal: either }).then((evaluation) => {
    return { evaluation, scoreSeconds: (monotonic() - began) / 1000 };
  });
  // Both have ended before anyone closes the database.
  const [looked, scored] = await Promise.allSettled([looking, scoring]);
  if (looked.status === "rejected") throw looked.reason;
  if (scored.status === "rejected") throw scored.reason;
  return { ...looked.value, ...scored.value };
}

/** What a validation found out. */
interface Found {
  rows: DataInspection;
  evaluation: Evaluation;
  asked: ModelInspection;
  evidence: Evidence;
  golden: Golden | null;
  scoreSeconds: number;
}

function makeReport(input: Validation, found: Found): Report {
  const { rows, evaluation, asked, evidence, golden, scoreSeconds } = found;
  const { model, lock, production, inputs, dataset, config, scorer, version } = input;
  const { task, classes, positive } = evaluation;
  const findings = [...evaluation.findings, ...asked.findings, ...rows.findings];
  const { loadSeconds, rss, libraries } = scorer.model;
  const { latency } = asked.costs;
  return sealReport({
    schema: "mlship.report/v1",
    tool: { name: "mlship", version },
    inputs: digestInputs({
      model: model.digest,
      inputs,
      dataset: dataset.digest,
      train: dataset.training?.digest ?? null,
      lock: lock.digest,
      config,
      baseline: production?.modelDigest ?? null,
      released: input.released ?? null,
    }),
    model: { format: model.format, digest: model.digest, files: model.files, libraries, inputs: [...inputs] },
    dataset: {
      digest: dataset.digest,
      rows: dataset.rows,
      target: dataset.targets.map(({ name }) => name).join(", "),
      weight: dataset.weight,
      key: dataset.key,
    },
    lock: lock.digest,
    server: lock.server.digest,
    baseline: production && { version: production.version, model: production.modelDigest },
    runtime: { kind: "python", version: lock.python, platform: lock.platform },
    task,
    classes,
    positive,
    ...evidence,
    ...picture({ answers: evaluation.answers, classes, outputs: dataset.targets.map(({ name }) => name) }),
    robustness: asked.robustness,
    data: rows.data,
    profile: { ...rows.profile, predictions: asked.predictions },
    findings,
    verdict: decide(evidence.gates, findings),
    golden: golden?.digest ?? null,
    volatile: {
      file: dataset.file,
      performance: {
        loadSeconds,
        rss,
        scoreSeconds,
        rowsPerSecond: scoreSeconds > 0 ? dataset.rows / scoreSeconds : null,
        peakRss: asked.costs.peakRss,
        latency: latency && { p50: latency.p50, p99: latency.p99 },
      },
    },
  });
}
