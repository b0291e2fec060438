// The project as it stands, as a side of `mlship diff`: what its files and its last report say; nothing is loaded or run.
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Platform } from "../../config/image-keys.ts";
import { podStoreOf } from "../../cluster/pod-store.ts";
import type { Served } from "../../cluster/served.ts";
import { canonicalJson, digestBytes, digestDocument, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { parseLock, requirementsText } from "../../image/lock/text.ts";
import { digestFiles } from "../../model/files.ts";
import type { FileSet } from "../../model/model.ts";
import { goldenSchema } from "../../validation/golden.ts";
import { reportSchema, type Report } from "../../validation/report.ts";
import type { Host } from "../host.ts";
import { readLockText } from "../open-lock.ts";
import type { Project } from "../project.ts";
import type { Side } from "./side.ts";

/**
 * The project's own side.
 * @throws MlshipError `diff.not-validated`, exit 2, when no report is about the model as it is now;
 *   `model.*`, `lock.*`, exit 2
 */
export async function projectSide(project: Project, host: Host): Promise<Side> {
  const { config } = project;
  const model = await filesOf(project);
  const report = await lastReport(project, model.digest);
  if (report === null) {
    throw new MlshipError({
      code: "diff.not-validated",
      what: `no report is about the model at ${config.model.path} as it is now`,
      fix: "run mlship validate, then compare again",
      exit: "usage",
    });
  }
  const { task, classes } = report;
  const outputs = await outputsOf(report, project);
  const text = await readLockText(project);
  const lock = text === null ? null : parseLock(text).lock;
  const platform = platforms[report.runtime.platform];
  const isPinned = lock !== null && platform !== undefined && lock.packages[platform] !== undefined;
  return {
    asked: ".",
    version: config.version,
    release: null,
    report,
    signature: { task, classes, inputs: report.model.inputs, ...(outputs > 1 ? { outputs } : {}) },
    model: { ...model, format: report.model.format },
    environment: {
      digest: report.lock,
      python: report.runtime.version,
      server: report.server,
      lock,
      requirements: isPinned ? requirementsText(lock, platform) : null,
    },
    image: null,
    served: config.deploy.target === "kubernetes" ? servedHere(project, model) : null,
    code: await host.commit(config.folder),
  };
}

/** A wheel's name of a platform → an image's. */
const platforms: Record<string, Platform> = {
  linux_x86_64: "linux/amd64",
  linux_aarch64: "linux/arm64",
};

/** The files as they would be released: the model's, and the handler. */
async function filesOf({ config }: Project): Promise<FileSet> {
  const { path: source, handler } = config.model;
  const own = await digestFiles(source);
  if (handler === null) return own;
  const code = await digestFiles(handler);
  const files = [...own.files, ...code.files].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { files, size: own.size + code.size, digest: digestBytes(canonicalJson(files)) };
}

/** Whatever cannot be read as a report of this mlship is none. */
async function readReport(file: string): Promise<Report | null> {
  try {
    const report = reportSchema.parse(JSON.parse(await readFile(file, "utf8")));
    return report.digest === digestDocument(report) ? report : null;
  } catch {
    return null;
  }
}

/** The report that was written last about a model. */
async function lastReport({ state }: Project, model: Digest): Promise<Report | null> {
  const folder = path.join(state, "reports");
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name, "report.json");
      const report = await readReport(file);
      return report?.model.digest === model ? [{ report, at: (await stat(file)).mtimeMs }] : [];
    }),
  );
  return found.flat().toSorted((a, b) => b.at - a.at)[0]?.report ?? null;
}

/** Numbers that a regressor answers for a row, as its golden rows show. */
async function outputsOf({ inputs }: Report, { state }: Project): Promise<number> {
  const file = path.join(state, "reports", inputs.slice("sha256:".length), "golden.json");
  const text = await readFile(file, "utf8").catch(() => null);
  const [first] = text === null ? [] : goldenSchema.parse(JSON.parse(text)).predictions;
  return Array.isArray(first) ? first.length : 1;
}

function servedHere({ config }: Project, { files }: FileSet): Pick<Served, "serve" | "deploy" | "model"> {
  const { serve, deploy, image, artifacts } = config;
  const model: Served["model"] =
    image.delivery === "s3"
      ? { kind: "s3", ...podStoreOf(artifacts), files }
      : image.delivery === "image-volume"
        ? { kind: "image-volume", reference: "model" }
        : { kind: "baked" };
  return { serve, deploy, model };
}
