// The schema of mlship.yaml: every key, what it means, and its default. All else derives from here.
import { z } from "zod";
import { artifacts } from "./artifacts-keys.ts";
import { canary, strategy } from "./canary-keys.ts";
import { image } from "./image-keys.ts";
import { partially } from "./keys.ts";
import { kubernetes } from "./kubernetes-keys.ts";
import { label, localPath, positiveDuration } from "./texts.ts";
import { validate } from "./validate-keys.ts";

/** Model formats that `model.format` may name; `auto` detects the format from the content. */
export const formats = [
  "auto",
  "onnx",
  "sklearn",
  "skops",
  "xgboost",
  "lightgbm",
  "catboost",
  "pytorch",
  "keras",
  "savedmodel",
  "mlflow",
  "python",
] as const;

const semver =
  /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?$/;

const model = z
  .strictObject({
    path: localPath.describe("The model: a file, or a folder with all its files."),
    format: z
      .enum(formats)
      .describe("Format of the model; auto looks at the content, not at the file's name.")
      .default("auto"),
    handler: localPath
      .describe(
        "Python file with any of load, preprocess, predict and postprocess; run in scoring and serving alike.",
      )
      .optional(),
    trust: z
      .array(z.string().regex(/^[^\s.]+(\.[^\s.]+)+$/, "must be a dotted name such as my_package.MyClass"))
      .describe(
        "Globals that a pickle may name beyond the allow-list of its format. Loading them runs their code.",
      )
      .default([]),
  })
  .describe("The model file and how to load it.");

const python = z
  .strictObject({
    version: z
      .string()
      .regex(/^(auto|3\.[1-9]\d)$/, 'must be auto or a version from "3.10" on, such as "3.12"')
      .describe("CPython that scores and serves the model; auto takes the newest one here that fits.")
      .default("auto"),
    requirements: localPath
      .describe(
        "File of further requirements, in requirements.txt syntax; what the model needs is read from it.",
      )
      .optional(),
    allowSource: z
      .array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, "must be the name of a package"))
      .describe("Packages that may be built from source where there is no wheel. Building one runs its code.")
      .default([]),
  })
  .describe("The Python environment that scores and serves the model.");

const serve = z
  .strictObject({
    port: z.int().min(1).max(65_535).describe("Port where users send requests.").default(8080),
    timeout: positiveDuration.describe("The longest that one prediction may take.").default("2s"),
    idempotent: z
      .boolean()
      .describe(
        "Whether asking twice does no harm; false where a handler has side effects: then no failed request is tried again on stable.",
      )
      .default(true),
  })
  .describe("How the model is served.");

const deploy = z
  .strictObject({
    target: z
      .enum(["local", "kubernetes"])
      .describe("Where the model runs: on this machine, or on a Kubernetes cluster.")
      .default("local"),
    strategy,
    replicas: z
      .strictObject({
        min: z
          .int()
          .min(1)
          .max(1000)
          .describe("Servers per version, at least; by default 1 on this machine and 3 on Kubernetes.")
          .optional(),
        ...kubernetes.replicas,
      })
      .describe("How many servers run.")
      .prefault({}),
    canary: canary.prefault({}),
    ...kubernetes.deploy,
  })
  .describe("Where and how a version is rolled out.");

/** Sections that an environment may overlay. What a model is stays the same everywhere. */
const overlay = partially(z.strictObject({ validate, serve, artifacts, deploy }));

const project = {
  name: z
    .string()
    .regex(label, "must be a DNS label: lower-case letters, digits and hyphens, at most 63 of them")
    .describe("Name of the model: lower-case letters, digits and hyphens."),
  version: z
    .string()
    .regex(semver, "must be a semantic version such as 1.4.0 or 1.5.0-rc.1")
    .describe("Semantic version of the model. Once released it names these bytes for ever."),
  model,
  python: python.prefault({}),
  image: image.prefault({}),
  validate,
  serve: serve.prefault({}),
  artifacts: artifacts.prefault({}),
  deploy: deploy.prefault({}),
};

/** One project's configuration with every default in place, still in the words of the file. */
export const writtenSchema = z.strictObject(project);
export type Written = z.output<typeof writtenSchema>;

/** What mlship.yaml may hold. */
export const fileSchema = z
  .strictObject({
    ...project,
    environments: z
      .record(z.string().regex(label, "must be named like a DNS label"), overlay)
      .describe("Differences per environment, chosen with -e or MLSHIP_ENVIRONMENT.")
      .optional(),
  })
  .describe("A project of mlship: one model, how it is judged, and how it ships.");

/** mlship.yaml as it is written. */
export type MlshipFile = z.input<typeof fileSchema>;
