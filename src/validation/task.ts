// Which task a model does: from what was asked for, what the model says, and what the target holds.
import { MlshipError } from "../errors.ts";
import type { ColumnType, Label, Task } from "../model/model.ts";
import { distinctLabels, showLabels } from "./labels.ts";

/** What {@link inferTask} looks at. */
export interface TaskEvidence {
  /** `validate.task` of mlship.yaml. */
  asked: Task | "auto";
  /** What the model says of itself; null where it says nothing. */
  model: { task: Task | null; classes: readonly Label[] | null };
  /** `columns`: how many targets there are, 1 when it is not said. */
  target: { file: string; name: string; type: ColumnType; labels: readonly Label[]; columns?: number };
}

/** Without other evidence, a whole-number target counts as classes only up to this many of them. */
const mostClasses = 20;

/**
 * Decides the task. Without evidence from the model or the configuration, a target of text or of truth
 * values is classes; whole numbers are classes when there are two of them, or when they are 0, 1 … k
 * with k < 20; all else is regression.
 * @throws MlshipError `data.task`, exit 2, when the evidence contradicts itself; `data.one-class` when a
 *   classifier's target has one class only.
 */
export function inferTask({ asked, model, target }: TaskEvidence): Task {
  const distinct = distinctLabels(target.labels);
  const says = modelTask(model);
  const several = (target.columns ?? 1) > 1;
  const task =
    asked === "auto" ? (says ?? (several ? "regression" : targetTask(target.type, distinct))) : asked;
  const contradiction =
    (says && says !== task && `the model does ${says}, but validate.task is ${task}`) ||
    (several && task !== "regression" && "only a regression has more than one target") ||
    contradictionOf(task, target, distinct);
  if (contradiction) {
    throw new MlshipError({
      code: "data.task",
      what: contradiction,
      fix: "check validate.task and validate.target in mlship.yaml, and that this is the model you mean",
      exit: "usage",
      at: { file: target.file },
    });
  }
  if (task !== "regression" && distinct.length === 1) {
    throw new MlshipError({
      code: "data.one-class",
      what: `column "${target.name}" holds one class only: ${showLabels(distinct)}`,
      why: "a classifier cannot be judged without rows of at least two classes",
      fix: "add rows of the other classes to the data, or name another column as validate.target",
      exit: "usage",
      at: { file: target.file },
    });
  }
  return task;
}

function modelTask({ task, classes }: TaskEvidence["model"]): Task | null {
  if (!classes || classes.length < 2) return task;
  const counted = classes.length === 2 ? "binary" : "multiclass";
  // Two classes may be what a multiclass objective was trained on: the model's own word stands then.
  return task === null || task === "binary" ? counted : task;
}

function targetTask(type: ColumnType, distinct: readonly Label[]): Task {
  const countedUp = distinct.every((label, place) => label === place);
  const whole = distinct.every((label) => typeof label !== "number" || Number.isInteger(label));
  const classes =
    type === "string" ||
    type === "bool" ||
    (whole && (distinct.length === 2 || (countedUp && distinct.length <= mostClasses)));
  if (!classes) return "regression";
  return distinct.length <= 2 ? "binary" : "multiclass";
}

function contradictionOf(
  task: Task,
  target: TaskEvidence["target"],
  distinct: readonly Label[],
): string | null {
  if (task === "regression" && (target.type === "string" || target.type === "bool")) {
    return `the task is regression, but column "${target.name}" does not hold numbers: ${showLabels(distinct)}`;
  }
  if (task === "binary" && distinct.length > 2) {
    return `the task is binary, but column "${target.name}" holds ${distinct.length} different values: ${showLabels(distinct)}`;
  }
  return null;
}
