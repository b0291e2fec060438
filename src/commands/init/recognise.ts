// Recognises a project from the names in its folder: the model, the data, the handler, the requirements.
import { MlshipError } from "../../errors.ts";
import type { ModelFormat } from "../../model/model.ts";

/** One name in the project's folder. */
export interface Entry {
  name: string;
  kind: "file" | "folder";
}

/** What was found; names are relative to the folder. */
export interface RecognisedProject {
  model: { path: string; format: ModelFormat };
  data: string;
  handler: string | null;
  requirements: string | null;
}

/** What the user said, which ends every guess. */
export interface Choices {
  /** `--model`. */
  model?: string | undefined;
  /** `--data`. */
  data?: string | undefined;
}

/** Says which format a file or folder has, or null when it is no model. */
export type DetectFormat = (name: string) => Promise<ModelFormat | null>;

const dataFile = /\.(csv|parquet|jsonl)$/i;
const neverModel =
  /^\.|\.(csv|parquet|jsonl|ya?ml|py|ipynb|md|rst|toml|cfg|ini|lock|log|sh|html|png|jpe?g|svg|pdf)$|^requirements.*\.txt$/i;
const neverModelFolder = /^(\.|node_modules$|__pycache__$|venv$|env$|tests?$|data$|src$|docs$|notebooks$)/i;
const training = /(^|[_\W])(x|y)?_?train(ing)?([_\W]|$)/i;

/** Names of held-out data, the most telling first. */
const heldOut = [/^test[_-]?data$/i, /^test([_-]?set)?$/i, /^hold[_-]?out$/i, /^(validation|valid|val)$/i];

/**
 * @param detect is asked about each name that could be a model, by content.
 * @throws MlshipError `init.no-model`, `init.no-data`, `init.models-unclear` or `init.data-unclear`,
 *   exit 2, with the candidates and the flag that chooses.
 */
export async function recogniseProject(
  entries: readonly Entry[],
  detect: DetectFormat,
  choices: Choices = {},
): Promise<RecognisedProject> {
  const files = entries.filter(({ kind }) => kind === "file").map(({ name }) => name);
  const data = choices.data ?? findData(files);
  const handler = files.includes("handler.py") ? "handler.py" : null;
  const model = await findModel(entries, detect, choices.model, handler);
  return {
    model,
    data,
    handler,
    requirements: files.includes("requirements.txt") ? "requirements.txt" : null,
  };
}

async function findModel(
  entries: readonly Entry[],
  detect: DetectFormat,
  chosen: string | undefined,
  handler: string | null,
) {
  const names = chosen === undefined ? entries.filter(mayBeModel).map(({ name }) => name) : [chosen];
  const candidates: RecognisedProject["model"][] = [];
  for (const path of names.toSorted()) {
    const format = await detect(path);
    if (format) candidates.push({ path, format });
  }
  const [model, second] = candidates;
  if (model && !second) return model;
  if (model) {
    throw new MlshipError({
      code: "init.models-unclear",
      what: `there are ${candidates.length} models here`,
      why: candidates.map(({ path, format }) => `${path} (${format})`).join(", "),
      fix: "choose one with --model FILE",
      exit: "usage",
    });
  }
  // What only a handler can load is told by its name, or by the user.
  const own = handler === null ? undefined : (chosen ?? names.find((name) => /^model(\.|$)/i.test(name)));
  if (own !== undefined) return { path: own, format: "python" as const };
  throw new MlshipError({
    code: "init.no-model",
    what: chosen === undefined ? "there is no model here" : `${chosen} is not a model that mlship knows`,
    why: "mlship reads ONNX, scikit-learn pickle and joblib, skops, XGBoost, LightGBM, CatBoost, PyTorch, TensorFlow, Keras and MLflow models; of anything else, a file or folder called model beside a handler.py",
    fix: "put the model into this folder, or name it with --model FILE",
    exit: "usage",
  });
}

function mayBeModel({ name, kind }: Entry): boolean {
  return kind === "file" ? !neverModel.test(name) : !neverModelFolder.test(name);
}

function findData(files: readonly string[]): string {
  const all = files.filter((name) => dataFile.test(name)).toSorted();
  const candidates = all.filter((name) => !training.test(name));
  const stems = candidates.map((name) => ({ name, stem: name.replace(dataFile, "") }));
  const best = heldOut
    .map((form) => stems.filter(({ stem }) => form.test(stem)))
    .find((found) => found.length > 0);
  const [data, second] = best?.map(({ name }) => name) ?? candidates;
  if (data !== undefined && second === undefined) return data;
  if (data !== undefined) {
    throw new MlshipError({
      code: "init.data-unclear",
      what: "it is not clear which file holds the labelled rows to judge the model on",
      why: (best?.map(({ name }) => name) ?? candidates).join(", "),
      fix: "choose one with --data FILE",
      exit: "usage",
    });
  }
  throw new MlshipError({
    code: "init.no-data",
    what: "there are no labelled rows here to judge the model on",
    why:
      all.length > 0
        ? `only training data was found (${all.join(", ")}), which a model has already seen`
        : "no csv, parquet or jsonl file was found",
    fix: "put held-out rows into test_data.csv, or name the file with --data FILE",
    exit: "usage",
  });
}
