// The files that `generate` keeps in a folder: what would change, and changing it, without touching anybody else's.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { ContextFile } from "../../image/plan/context.ts";

/** What would have to change for a folder to hold exactly the wanted files. Paths are relative to it, sorted. */
export interface Changes {
  added: string[];
  changed: string[];
  /** Written by an earlier run, and not wanted any more. */
  removed: string[];
}

/** Names what mlship wrote into the folder: only that is ever removed. */
export const listFile = ".mlship-files.json";
const listSchema = z.object({ schema: z.literal("mlship.generated/v1"), files: z.array(z.string()) });

/**
 * Compares a folder with the files that it should hold.
 * @param isKept files that git does not keep: missing ones are no difference when only looking
 */
export async function compare(
  folder: string,
  files: readonly ContextFile[],
  isKept: (file: string) => boolean,
): Promise<Changes> {
  const wanted = new Set(files.map((file) => file.path));
  const changes: Changes = { added: [], changed: [], removed: [] };
  for (const file of files) {
    const there = path.join(folder, file.path);
    const kind = await stat(there).catch(() => null);
    if (kind === null) {
      if (isKept(file.path)) changes.added.push(file.path);
    } else if (!(await isSame(file, there))) changes.changed.push(file.path);
  }
  for (const file of await readList(folder)) {
    if (!wanted.has(file) && (await stat(path.join(folder, file)).catch(() => null)) !== null)
      changes.removed.push(file);
  }
  return changes;
}

/** Makes the changes. The list comes before what it names, so that a killed run leaves nothing unknown. */
export async function apply(folder: string, files: readonly ContextFile[], changes: Changes): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = files.map((file) => file.path);
  const touched = new Set([...changes.added, ...changes.changed]);
  await writeList(folder, [...names, ...changes.removed]);
  for (const file of files) {
    if (!touched.has(file.path)) continue;
    const target = path.join(folder, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    const part = `${target}.part`;
    if ("text" in file) await writeFile(part, file.text);
    else await copyFile(file.from, part);
    await rename(part, target);
  }
  for (const file of changes.removed) await rm(path.join(folder, file));
  await writeList(folder, names);
}

/**
 * Files in a folder whose whole content goes into an image, that mlship did not put there.
 * @throws MlshipError `generate.foreign-file`, exit 2.
 */
export async function refuseForeign(
  folder: string,
  below: string,
  files: readonly ContextFile[],
): Promise<void> {
  const known = new Set([...files.map((file) => file.path), ...(await readList(folder))]);
  const entries = await readdir(path.join(folder, below), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const foreign = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((file) => !known.has(file) && !file.endsWith(".part"))
    .toSorted();
  if (foreign.length === 0) return;
  throw new MlshipError({
    code: "generate.foreign-file",
    what: `mlship did not write all files below ${path.join(folder, below)}`,
    why: "that folder is the context of the image, so they would become part of it",
    fix: "move them elsewhere, or remove them",
    exit: "usage",
    problems: foreign.map((file) => ({ what: file })),
  });
}

async function readList(folder: string): Promise<string[]> {
  const text = await readFile(path.join(folder, listFile), "utf8").catch(() => null);
  if (text === null) return [];
  try {
    const { files } = listSchema.parse(JSON.parse(text));
    // A list that somebody edited must not lead out of the folder.
    return files.filter((file) => !path.relative(folder, path.resolve(folder, file)).startsWith(".."));
  } catch (cause) {
    throw new MlshipError({
      code: "generate.damaged-list",
      what: `${path.join(folder, listFile)} cannot be read`,
      why: "it says which files mlship wrote and may remove",
      fix: "take it from git again, or remove the folder and run mlship generate",
      exit: "usage",
      cause,
    });
  }
}

async function writeList(folder: string, files: string[]): Promise<void> {
  const document = { schema: "mlship.generated/v1", files: [...new Set(files)].sort() };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const target = path.join(folder, listFile);
  if ((await readFile(target, "utf8").catch(() => null)) === text) return;
  await writeFile(`${target}.part`, text);
  await rename(`${target}.part`, target);
}

async function isSame(file: ContextFile, there: string): Promise<boolean> {
  if ("text" in file) return (await readFile(there, "utf8")) === file.text;
  const [wanted, found] = await Promise.all([stat(file.from), stat(there)]);
  return wanted.size === found.size && (await hashOf(file.from)) === (await hashOf(there));
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}
