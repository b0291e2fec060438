// What a model could do when it is loaded, found out without loading it: the `mlship.scan/v1` document.
import { z } from "zod";
import { digestDocument } from "../digest.ts";
import { openModel, type Opened, type Told } from "./open.ts";
import { judgeBeside } from "./beside.ts";
import { readCatboost } from "./formats/catboost.ts";
import { readKeras } from "./formats/keras.ts";
import { readLightgbm } from "./formats/lightgbm.ts";
import { readOnnx } from "./formats/onnx.ts";
import { readPython } from "./formats/python.ts";
import { readPytorch } from "./formats/pytorch.ts";
import { readSavedModel } from "./formats/savedmodel.ts";
import { readSklearn } from "./formats/sklearn.ts";
import { readSkops } from "./formats/skops.ts";
import { readXgboost } from "./formats/xgboost.ts";
import { noFacts, type Reading } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";
import { modelFormats, type ModelFormat } from "./model.ts";
import type { Input } from "./formats/input.ts";

const digest = z.templateLiteral(["sha256:", z.string()]);

/** Schema of a scan. `safe` means: every name that loading would reach is allowed. */
export const scanSchema = z.strictObject({
  schema: z.literal("mlship.scan/v1"),
  /** Digest of the model's file set. */
  model: digest,
  format: z.enum(modelFormats),
  verdict: z.enum(["safe", "refused"]),
  findings: z.array(
    z.strictObject({
      file: z.string(),
      offset: z.number().nullable(),
      global: z.string().nullable(),
      rule: z.string(),
      message: z.string(),
    }),
  ),
  /** The files beside the main one: what each is, and why it was not looked at where it was not. */
  members: z.array(
    z.strictObject({
      path: z.string(),
      kind: z.string(),
      verdict: z.enum(["safe", "refused", "not-read"]),
      why: z.string().nullable(),
    }),
  ),
  /** Every name that the model mentions, sorted, with how often. */
  globals: z.array(z.strictObject({ name: z.string(), count: z.number() })),
  /** The names that the user allowed when this was decided. */
  trust: z.array(z.string()),
  /** Over all of the above. */
  digest,
});

export type Scan = z.infer<typeof scanSchema>;

const readers: Record<ModelFormat, (input: Input) => Reading> = {
  onnx: readOnnx,
  sklearn: readSklearn,
  skops: readSkops,
  xgboost: readXgboost,
  lightgbm: readLightgbm,
  catboost: readCatboost,
  pytorch: readPytorch,
  keras: readKeras,
  savedmodel: readSavedModel,
  python: readPython,
};

/**
 * Scans the model at `path` and the files beside it. Names in `trust` are allowed beyond the format's own list.
 * @throws MlshipError `model.*`, exit "usage", when there is no model of a known format.
 */
export async function scanModel(path: string, options: Told & { trust: string[] }): Promise<Scan> {
  const { trust } = options;
  const opened = await openModel(path, options);
  try {
    return scanOf(opened, readModel(opened, trust), trust);
  } finally {
    opened.close();
  }
}

/** The one walk over a model's bytes. Damage is a finding like any other: it is where proof ends. */
export function readModel(opened: Opened, trust: readonly string[]): Reading {
  const reading = readMain(opened, trust);
  const { members, findings } = judgeBeside({ ...opened, trust });
  return { ...reading, members, findings: [...reading.findings, ...findings] };
}

function readMain(opened: Opened, trust: readonly string[]): Reading {
  const { files, format, source, entry } = opened;
  const byPath = new Map(files.map((file) => [file.path, file]));
  try {
    return readers[format]({ source, file: entry, files: byPath, open: (path) => opened.open(path), trust });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { offset, message } = error;
    const finding = { file: entry, offset, global: null, rule: "damaged", message };
    return { facts: noFacts, findings: [finding], globals: new Map() };
  }
}

function scanOf(
  opened: Opened,
  { findings, globals, members = [] }: Reading,
  trust: readonly string[],
): Scan {
  const scan = {
    schema: "mlship.scan/v1" as const,
    model: opened.digest,
    format: opened.format,
    verdict: findings.length === 0 ? ("safe" as const) : ("refused" as const),
    findings,
    members,
    globals: [...globals]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    trust: [...new Set(trust)].sort(),
  };
  return { ...scan, digest: digestDocument(scan) };
}
