// Models of one library, made in the environment that mlship makes for it, and asked through a scorer.
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { bundleSchema, type Bundle } from "../../../src/model/bundle.ts";
import type { InputColumn } from "../../../src/model/model.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { createEnvironments } from "../../../src/tools/python/environments.ts";
import { createScorers } from "../../../src/tools/python/scorer.ts";
import type { Environment, Scorer } from "../../../src/validation/ports.ts";

/** What a bundle says of a model, beyond its file. */
export interface Said extends Partial<Pick<Bundle, "task" | "classes" | "outputs">> {
  inputs: InputColumn[];
  /** The text of a handler. */
  handler?: string;
}

/** Milliseconds for {@link makeBench}: the first time, gigabytes are fetched and unpacked. */
export const patience = 900_000;

/** An environment with models in it. Call `close` when done. */
export interface Bench {
  /** What the script that made the models printed. */
  printed: string;
  /** Loads a model; the test's end closes it. @throws MlshipError `model.load-failed`. */
  open(model: string, said: Said): Promise<Scorer>;
  close(): void;
}

/** Makes the environment of a format, the same that a user's models of it get, and the models of `script` in it. */
export async function makeBench(format: "keras" | "pytorch" | "catboost", script: string): Promise<Bench> {
  const scratch = mkdtempSync(join(tmpdir(), "mlship-loaders-"));
  const environments = createEnvironments({
    cacheFolder: process.env["MLSHIP_CACHE"] ?? join(homedir(), ".cache", "mlship"),
    lockFolder: join(scratch, "locks"),
    serverFolder: join(import.meta.dirname, "../../../templates/server"),
    env: process.env,
  });
  const wanted = requirementsOf({ format, libraries: {}, featureNames: null }, []);
  const environment = await environments.prepare(await environments.lock(wanted, "auto"));
  const { stdout: printed } = await promisify(execFile)(
    environment.python,
    [join(import.meta.dirname, script), scratch],
    { maxBuffer: 1 << 24 },
  );
  return {
    printed,
    open: (model, said) => openModel(environment, join(scratch, model), said),
    close: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

const formats: Record<string, Bundle["format"]> = {
  keras: "keras",
  pt: "pytorch",
  pt2: "pytorch",
  cbm: "catboost",
};

async function openModel(environment: Environment, model: string, said: Said): Promise<Scorer> {
  const bundle = `${model}-bundle`;
  onTestFinished(() => rmSync(bundle, { recursive: true, force: true }));
  const isFolder = statSync(model).isDirectory();
  cpSync(model, isFolder ? bundle : join(bundle, basename(model)), { recursive: true });
  const { inputs, handler, task = "regression", classes = null, outputs } = said;
  const document = bundleSchema.parse({
    schema: "mlship.bundle/v1",
    name: "tried",
    version: "1.0.0",
    digest: `sha256:${"a".repeat(64)}`,
    format: isFolder ? "savedmodel" : formats[model.split(".").at(-1) ?? ""],
    entry: isFolder ? "saved_model.pb" : basename(model),
    handler: handler === undefined ? null : "handler.py",
    task,
    classes,
    ...(outputs === undefined ? {} : { outputs }),
    inputs,
    libraries: {},
    allowed: [],
  });
  writeFileSync(join(bundle, "mlship.json"), JSON.stringify(document));
  if (handler !== undefined) writeFileSync(join(bundle, "handler.py"), handler);
  const scorer = await createScorers({ env: process.env, pid: process.pid }).open(environment, bundle);
  onTestFinished(() => scorer.close());
  return scorer;
}

/** Columns of one type. */
export const columns = (type: InputColumn["type"], ...names: string[]): InputColumn[] =>
  names.map((name) => ({ name, type, nullable: false }));

/** The same columns, where values may be missing. */
export const nullable = (inputs: InputColumn[]): InputColumn[] =>
  inputs.map((input) => ({ ...input, nullable: true }));

/** Two numbers a row: what most models here take. */
export const numbers = columns("float64", "a", "b");

/** A handler that answers, for every row, what the expression in Python gives. */
export const answering = (imports: string, expression: string) => `
import ${imports}
import numpy as np

def postprocess(outputs, columns):
    return {"predictions": np.full(len(outputs["predictions"]), ${expression})}
`;
