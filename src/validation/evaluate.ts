// Scores a data set with a loaded model, in batches, and measures the answers.
import { MlshipError } from "../errors.ts";
import type { InputColumn, Label, Model, Task } from "../model/model.ts";
import type { Dataset } from "./dataset.ts";
import { checkInputs } from "./inputs.ts";
import { classFinder, distinctLabels, encodeLabels, showLabel, showLabels } from "./labels.ts";
import type { Answers } from "./metrics/answers.ts";
import { measure, type Metric } from "./metrics/measure.ts";
import type { Scorer } from "./ports.ts";
import { type Finding, inspectAnswers } from "./sanity.ts";
import { type Answer, scoreRows } from "./score.ts";
import type { Series } from "./series.ts";
import { inferTask } from "./task.ts";

/** What of `validate` in mlship.yaml decides how answers are read. */
export interface Reading {
  task?: Task | "auto" | undefined;
  /** The positive class of a binary model; the second class when it is not named. */
  positive?: Label | undefined;
  /** Probability from which a row counts as positive; the model's own decision when it is not named. */
  threshold?: number | undefined;
  /** Which quantile a regressor predicts, for the pinball loss; the median when it is not named. */
  quantile?: number | undefined;
}

/** What {@link evaluate} needs. */
export interface EvaluationInput {
  model: Pick<Model, "task" | "classes">;
  /** The model's signature. */
  inputs: readonly InputColumn[];
  dataset: Dataset;
  scorer: Scorer;
  reading: Reading;
  /** Told after each batch. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** So many different labels say all that more of them would: that these are no classes. */
const mostLabels = 10_000;

/** A model's answers on a data set, measured but not judged. */
export interface Evaluation {
  task: Task;
  /** In the order of the probabilities; null for a regressor. */
  classes: Label[] | null;
  positive: Label | null;
  answer: Answer;
  answers: Answers;
  metrics: Metric[];
  findings: Finding[];
}

/**
 * Scores every row and measures the answers.
 * @throws MlshipError `data.*` when data, labels and model do not fit (exit 2), `validate.*` when the
 *   configuration does not, `score.*` when the model fails.
 */
export async function evaluate(input: EvaluationInput): Promise<Evaluation> {
  const { dataset, scorer, reading, inputs } = input;
  checkInputs(inputs, dataset);
  const known = scorer.model.classes ?? input.model.classes;
  const { labels } = dataset;
  const task = taskOf(reading.task ?? "auto", { task: input.model.task, classes: known }, dataset);
  const source = `column ${JSON.stringify(dataset.target.name)}`;
  // Before the model runs: a mismatch needs no scoring to be seen.
  if (task !== "regression" && known) encodeLabels(labels, known, source);
  rejectMisread(task, reading);
  const scored = await scoreRows(input);
  if (task === "regression") return evaluateNumbers(dataset, scored, reading);
  // Classes are few: a byte each where they came as numbers.
  const answer = { ...scored, predictions: scored.predictions.compact() };
  const classes = known ?? classesOf(labels, answer, source);
  const find = classFinder(classes);
  const positive = positiveOf(task, classes, reading);
  const raw = {
    predictions: answer.predictions,
    probabilities: answer.probabilities,
    classes: classes.length,
  };
  if (answer.probabilities && answer.width !== classes.length) throw wrongWidth(answer.width, classes);
  const own = answer.predictions.encode(find, classes.length);
  const answers: Answers = {
    task,
    classes: classes.length,
    positive,
    truth: encodeLabels(labels, classes, source),
    predicted: reading.threshold === undefined ? own : decideBy(reading.threshold, answer, positive),
    probabilities: answer.probabilities,
    weights: dataset.weights,
  };
  return {
    task,
    classes: [...classes],
    positive: task === "binary" ? (classes[positive] ?? null) : null,
    answer,
    answers,
    metrics: measure(answers),
    findings: [...inspectAnswers({ ...raw, own }), ...thresholdFinding(reading)],
  };
}

/**
 * The task before the model is loaded, whose loader has to know what is asked of it. Scoring decides.
 * @throws MlshipError as {@link evaluate}, when data and configuration contradict each other.
 */
export function presumeTask(
  asked: Task | "auto",
  model: Pick<Model, "task" | "classes">,
  dataset: Dataset,
): Task {
  return asked === "auto" ? (model.task ?? taskOf(asked, model, dataset)) : asked;
}

function taskOf(
  asked: Task | "auto",
  model: Pick<Model, "task" | "classes">,
  { file, target: { name, type }, labels, targets }: Dataset,
): Task {
  const target = { file, name, type, labels: labels.distinct(mostLabels), columns: targets.length };
  return inferTask({ asked, model, target });
}

function evaluateNumbers(dataset: Dataset, answer: Answer, { quantile }: Reading): Evaluation {
  const text = answer.predictions.isNumeric
    ? undefined
    : answer.predictions.distinct().find((value) => typeof value !== "number");
  if (text !== undefined) {
    throw new MlshipError({
      code: "score.not-numbers",
      what: `the task is regression, but the model answers ${showLabel(text)}`,
      fix: "check validate.task in mlship.yaml, and the handler's postprocess when there is one",
      exit: "usage",
    });
  }
  const outputs = dataset.targets.length;
  if (answer.outputs !== outputs) throw wrongOutputs(answer.outputs, dataset);
  const answers: Answers = {
    task: "regression",
    outputs,
    truth: dataset.labels.numbers(),
    predicted: answer.predictions.numbers(),
    weights: dataset.weights,
    quantile,
  };
  const findings = inspectAnswers({
    predictions: answer.predictions,
    probabilities: null,
    classes: null,
    own: null,
  });
  return {
    task: "regression",
    classes: null,
    positive: null,
    answer,
    answers,
    metrics: measure(answers),
    findings,
  };
}

/**
 * Classes of a model that does not name them: 0 … k − 1 for k probabilities when all labels are such
 * numbers, else every label of the data and of the answers.
 */
function classesOf(labels: Series, { predictions, width }: Answer, source: string): Label[] {
  const [asked, said] = [distinctLabels(labels.distinct()), distinctLabels(predictions.distinct())];
  const isText = (label: Label) => typeof label === "string";
  // Names in the data, numbers in the answers: no row could ever be right.
  if (asked.some(isText) !== said.some(isText)) encodeLabels(labels, said, source);
  const all = distinctLabels([...asked, ...said]);
  const places = Array.from({ length: width }, (_none, place) => place);
  const find = classFinder(places);
  return all.every((label) => find(label) !== -1) ? places : all;
}

function positiveOf(task: Task, classes: readonly Label[], { positive }: Reading): number {
  if (task !== "binary") return 0;
  if (positive === undefined) return 1;
  const place = classFinder(classes)(positive);
  if (place !== -1) return place;
  throw new MlshipError({
    code: "validate.positive",
    what: `validate.positive is ${showLabel(positive)}, which is no class of the model`,
    fix: `use one of ${showLabels(classes)}`,
    exit: "usage",
  });
}

function rejectMisread(task: Task, reading: Reading): void {
  const unfit = (["positive", "threshold"] as const).find((key) => reading[key] !== undefined);
  if (task === "binary" || unfit === undefined) return;
  throw new MlshipError({
    code: `validate.${unfit}`,
    what: `validate.${unfit} is set, but the task is ${task}`,
    why: "only a binary model has a positive class",
    fix: `remove validate.${unfit} from mlship.yaml`,
    exit: "usage",
  });
}

function decideBy(threshold: number, { probabilities, width }: Answer, positive: number): Int32Array {
  if (!probabilities) {
    throw new MlshipError({
      code: "validate.threshold",
      what: "validate.threshold is set, but the model gives no probabilities",
      fix: "remove validate.threshold, or return probabilities from the handler",
      exit: "usage",
    });
  }
  const decided = new Int32Array(probabilities.length / width);
  for (let row = 0; row < decided.length; row++) {
    decided[row] = (probabilities[row * width + positive] ?? 0) >= threshold ? positive : 1 - positive;
  }
  return decided;
}

function thresholdFinding({ threshold }: Reading): Finding[] {
  if (threshold === undefined) return [];
  return [
    {
      code: "threshold.not-served",
      severity: "warn",
      what: `metrics count a row as positive from a probability of ${threshold} on; the server answers with the model's own decision`,
      fix: "apply the threshold to the probabilities that the server returns, or in the handler's postprocess",
    },
  ];
}

function wrongOutputs(outputs: number, { targets }: Dataset): MlshipError {
  const names = targets.map(({ name }) => JSON.stringify(name)).join(", ");
  return new MlshipError({
    code: "score.outputs",
    what: `the model answers ${outputs} ${outputs === 1 ? "number" : "numbers"} per row, but validate.target names ${targets.length}: ${names}`,
    fix: "name one column for each of the model's outputs, in their order, as validate.target in mlship.yaml",
    exit: "usage",
  });
}

function wrongWidth(width: number, classes: readonly Label[]): MlshipError {
  return new MlshipError({
    code: "score.width",
    what: `the model gives ${width} probabilities per row, but has ${classes.length} classes: ${showLabels(classes)}`,
    fix: "return one probability per class, in the order of the classes",
    exit: "usage",
  });
}
