// CatBoost models in its own binary format: trees as a FlatBuffer. They hold numbers, names and settings, no code.
// Source: catboost/libs/model/flatbuffers/{model,features}.fbs.
import { z } from "zod";
import { FlatTable } from "./flatbuffer.ts";
import { noFacts, type Facts, type Reading } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import type { Label } from "../model.ts";
import type { Input } from "./input.ts";

export const catboostMark = "CBM1";

/** Bytes of the trees; a model of 10 000 deep trees has a few hundred MB. */
const largestCore = 2 ** 31 - 1;
/** More features or classes than this are no model's. */
const mostNames = 1_000_000;

const classParams = z.object({
  class_label_type: z.string().optional(),
  class_to_label: z.array(z.number()).optional(),
  class_names: z.array(z.union([z.string(), z.number()])).optional(),
});
const params = z.object({ loss_function: z.object({ type: z.string() }) });

/** Losses of which one number per row is an estimate of the target. */
const regressions = new Set(
  "RMSE MAE Quantile LogLinQuantile Poisson MAPE Lq Expectile Tweedie Huber LogCosh MultiRMSE MultiQuantile".split(
    " ",
  ),
);

/** Reads a saved model. @throws Unreadable when it is damaged or none. */
export function readCatboost({ source }: Input): Reading {
  if (source.read(0, Math.min(4, source.size)).toString("latin1") !== catboostMark || source.size < 8)
    throw new Unreadable(0, `it does not begin with ${catboostMark}`);
  const size = source.read(4, 4).readUInt32LE();
  if (size > largestCore) throw new Unreadable(4, "its trees are larger than any model's");
  const core = FlatTable.root(source.read(8, size));
  const trees = core.table(1);
  if (trees === null || !(core.text(0) ?? "").startsWith("FlabuffersModel_v"))
    throw new Unreadable(8, "it is of a version of CatBoost's format that mlship does not know");
  // Counters, text dictionaries and the like follow the trees as parts of their own.
  if (core.count(3, 4) === 0 && source.size !== 8 + size)
    throw new Unreadable(8 + size, "something follows its trees");
  const info = new Map(core.tables(2).map((pair) => [pair.text(0) ?? "", pair.text(1) ?? ""]));
  return {
    facts: {
      ...noFacts,
      estimator: "catboost.CatBoost",
      libraries: { catboost: versionIn(info.get("catboost_version_info") ?? "") },
      ...features(trees),
      ...outcome(info, trees.int(0)),
    },
    findings: [],
    globals: new Map(),
  };
}

/** The release that wrote the file: the tag that it was built from. Other builds do not say which one they are. */
function versionIn(text: string): string | null {
  return /^\s*Branch: tags\/v(\d+(?:\.\d+){1,3})\s*$/m.exec(text)?.[1] ?? null;
}

/** Features lie in lists by kind; each says its place among all of them, and its name if it has one. */
function features(trees: FlatTable): Pick<Facts, "featureNames" | "featureCount"> {
  const found = [
    ...trees.tables(5).map((feature) => ({ place: feature.int(2), name: feature.text(4) })),
    ...trees.tables(4).map((feature) => ({ place: feature.int(1), name: feature.text(2) })),
    ...trees.tables(12).map((feature) => ({ place: feature.int(1), name: feature.text(2) })),
  ].sort((a, b) => a.place - b.place);
  if (found.length === 0 || found.length > mostNames) throw new Unreadable(8, "it has no features");
  // Embeddings take several columns, and features that no tree uses may be left out at the end.
  if (found.some(({ place }, index) => place !== index)) return { featureNames: null, featureCount: null };
  const names = found.flatMap(({ name }) => (name === null || name === "" ? [] : [name]));
  const named = new Set(names).size === found.length && names.some((name, index) => name !== String(index));
  return { featureNames: named ? names : null, featureCount: found.length };
}

function outcome(info: ReadonlyMap<string, string>, width: number): Pick<Facts, "classes" | "task"> {
  const loss = params.safeParse(parse(info.get("params"))).data?.loss_function.type ?? "";
  const classes = labelsOf(info.get("class_params"));
  if (loss === "Logloss" || loss === "CrossEntropy") return { classes, task: "binary" };
  if (loss === "MultiClass" || loss === "MultiClassOneVsAll")
    return { classes: classes?.length === width ? classes : null, task: "multiclass" };
  // Rankings, and several labels at once, are no task of ours.
  return { classes: null, task: regressions.has(loss) ? "regression" : null };
}

/** The labels in the order of the probabilities. Truth values are named by their texts. */
function labelsOf(text: string | undefined): Label[] | null {
  const {
    class_label_type: type,
    class_to_label: numbers = [],
    class_names: names = [],
  } = classParams.safeParse(parse(text)).data ?? {};
  if (type === "String") return names.length > 1 ? names.map(String) : null;
  const plain = names.length === numbers.length && names.length > 1 ? names : numbers;
  return (type === "Integer" || type === "Float") && plain.length > 1 ? plain.map(Number) : null;
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    throw new Unreadable(8, "its settings are not JSON");
  }
}
