// XGBoost models in JSON or UBJSON. They hold numbers and names only, so there is nothing to judge.
import { z } from "zod";
import { parseUbjson } from "./ubjson.ts";
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";
import type { Task } from "../model.ts";
import type { Facts, Reading } from "../reading.ts";
import type { Input } from "./input.ts";

/** Bytes; JavaScript holds no longer text. UBJSON has no such limit. */
const largestJson = 400 * 2 ** 20;

const count = z.union([z.string().regex(/^\d{1,9}$/), z.number().int().nonnegative()]).transform(Number);
const document = z.object({
  version: z.tuple([z.number().int(), z.number().int(), z.number().int()]),
  learner: z.object({
    feature_names: z.array(z.string()).default([]),
    gradient_booster: z.object({ name: z.string().default("gbtree") }),
    learner_model_param: z.object({ num_feature: count, num_class: count }),
    objective: z.object({ name: z.string() }),
  }),
});

/** Reads a saved booster. @throws Unreadable when it is damaged or no booster. */
export function readXgboost({ source }: Input): Reading {
  const parsed = document.safeParse(parseBooster(source));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Unreadable(0, `it is no XGBoost model: ${issue?.path.join(".") ?? "it"} is missing or odd`);
  }
  const { learner, version } = parsed.data;
  const { num_feature: width, num_class: classCount } = learner.learner_model_param;
  const names = learner.feature_names;
  if (names.length > 0 && names.length !== width)
    throw new Unreadable(0, "it names more or fewer features than it has");
  return {
    facts: {
      estimator: `xgboost.${learner.gradient_booster.name}`,
      libraries: { xgboost: version.join(".") },
      featureNames: names.length > 0 ? names : null,
      featureCount: width > 0 ? width : null,
      ...outcome(learner.objective.name, classCount),
    },
    findings: [],
    globals: new Map(),
  };
}

function parseBooster(source: ByteSource): unknown {
  const [, second] = source.read(0, Math.min(2, source.size));
  if (second !== undefined && "iUIlL".includes(String.fromCharCode(second))) return parseUbjson(source);
  if (source.size > largestJson) {
    throw new Unreadable(
      0,
      "it has more than 400 MiB of JSON; save it as UBJSON: booster.save_model('model.ubj')",
    );
  }
  try {
    return JSON.parse(source.read(0, source.size).toString("utf8"));
  } catch {
    throw new Unreadable(source.size, "its JSON is damaged or cut short");
  }
}

/** XGBoost numbers its classes from 0. Source: the learning task parameters in its documentation. */
function outcome(objective: string, classCount: number): Pick<Facts, "classes" | "task"> {
  if (objective.startsWith("binary:")) return { classes: [0, 1], task: "binary" };
  if (objective.startsWith("multi:") && classCount >= 2 && classCount < 100_000) {
    return { classes: Array.from({ length: classCount }, (_, label) => label), task: "multiclass" };
  }
  const regression: Task | null = /^(reg|count):/.test(objective) ? "regression" : null;
  return { classes: null, task: regression };
}
