// Copies a project's model aside and scans it there: what is scanned is what is loaded.
import { copyFile, cp, stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.ts";
import { MlshipError } from "../errors.ts";
import { checkNames, digestFiles } from "../model/files.ts";
import { inspectModel } from "../model/inspect.ts";
import type { Model } from "../model/model.ts";

/**
 * Copies the model into `folder`, so that what is scanned is what is loaded, and reads it there.
 * @throws MlshipError `model.*`: missing, of no known format (exit 2), or unsafe to load (exit 3).
 */
export async function stageModel(
  { path: source, format, handler, trust }: Config["model"],
  folder: string,
): Promise<{ model: Model; handler: string | null }> {
  const kind = await stat(source).catch(() => null);
  if (!kind) {
    throw new MlshipError({
      code: "model.missing",
      what: `there is no model at ${source}`,
      fix: "correct model.path in mlship.yaml",
      exit: "usage",
    });
  }
  if (kind.isDirectory()) await checkNames(source);
  const name = path.basename(source);
  const staged = kind.isDirectory() ? folder : path.join(folder, name);
  // Links are copied as links: reading the model refuses those that leave its folder.
  await cp(source, staged, { recursive: true, verbatimSymlinks: true });
  const read = await inspectModel(staged, {
    trust,
    handler: handler !== null,
    ...(format === "auto" ? {} : { format }),
  }).catch((error: unknown) => {
    throw namingOriginal(error, staged, source);
  });
  if (handler === null) return { model: read, handler: null };
  const code = path.basename(handler);
  await copyFile(handler, path.join(folder, code)).catch((cause: unknown) => {
    const fix = "correct model.handler in mlship.yaml";
    throw new MlshipError({
      code: "model.handler-missing",
      what: `there is no handler at ${handler}`,
      fix,
      exit: "usage",
      cause,
    });
  });
  return { model: { ...read, ...(await digestFiles(folder)) }, handler: code };
}

/** The same error about the file that the user knows, not about the copy of it. */
function namingOriginal(error: unknown, copy: string, original: string): unknown {
  if (!(error instanceof MlshipError)) return error;
  const { code, what, why, fix, exit, problems, cause } = error;
  const renamed = (text: string) => text.replaceAll(copy, original);
  return new MlshipError({
    code,
    what: renamed(what),
    ...(why === undefined ? {} : { why: renamed(why) }),
    ...(fix === undefined ? {} : { fix }),
    exit,
    problems,
    cause,
  });
}
