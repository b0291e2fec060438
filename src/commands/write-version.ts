// Puts another version into mlship.yaml, and nothing else.
import { randomUUID } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { withVersion } from "../config/version-text.ts";
import { MlshipError } from "../errors.ts";
import { makeState, type Project } from "./project.ts";

/**
 * Replaces the version in the file, whole or not at all.
 * @param text of the file, as the command read it
 * @throws MlshipError `version.unwritten`, exit 7; `version.not-plain`, exit 2
 */
export async function replaceVersion(
  project: Project,
  { file, text, version }: { file: string; text: string; version: string },
): Promise<void> {
  const unwritten = (why: string, cause?: unknown) =>
    new MlshipError({
      code: "version.unwritten",
      what: `${project.config.name} ${version} is released, and mlship.yaml does not say so`,
      why,
      fix: `set version: ${version} in mlship.yaml`,
      exit: "attention",
      cause,
    });
  const temporary = path.join(await makeState(project), `mlship.yaml.${randomUUID()}`);
  try {
    // A link stays a link.
    const place = await realpath(file);
    const now = await readFile(place, "utf8");
    const mark = now.startsWith("\uFEFF") ? "\uFEFF" : "";
    if (now !== mark + text) throw unwritten("the file was changed while the command ran");
    const written = withVersion(text, version);
    if (written === null) throw notPlain();
    await writeFile(temporary, mark + written, { mode: (await stat(place)).mode });
    await rename(temporary, place);
  } catch (error) {
    if (error instanceof MlshipError) throw error;
    throw unwritten(error instanceof Error ? error.message : String(error), error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The version is written in a way that cannot be replaced in place. */
export function notPlain(): MlshipError {
  return new MlshipError({
    code: "version.not-plain",
    what: "--bump cannot write another version into mlship.yaml",
    why: "version is not written as a plain text there, but as an alias or a block",
    fix: "write it on one line, such as version: 1.0.0",
    exit: "usage",
  });
}
