// The files of a model: found in a folder or named alone, sized and digested.
import type { Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { canonicalJson, digestBytes, digestFile } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import type { FileSet, ModelFile } from "./model.ts";

/** More files than this in one folder is no model, but the wrong folder. */
const mostFiles = 10_000;

/**
 * Sizes and digests of a file, or of every file below a folder. The paths of a folder's files are
 * relative to it, those of a single file are its name; either way `/` parts them and they are sorted.
 * @throws MlshipError `model.not-found`, `model.empty`, `model.link` (a link that leaves the folder),
 *   `model.special-file`, `model.too-many-files` and `model.file-name`; exit "usage".
 */
export async function digestFiles(path: string): Promise<FileSet> {
  const top = await statsOf(path);
  const paths = top.isDirectory() ? await filesBelow(path) : [path];
  const files: ModelFile[] = [];
  for (const file of paths) {
    const stats = await stat(file);
    if (!stats.isFile()) throw specialFile(file);
    const name = top.isDirectory() ? relative(path, file).split(sep).join("/") : basename(file);
    files.push({ path: name, size: stats.size, sha256: await digestFile(file) });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size === 0) throw empty(path, top);
  return { files, size, digest: digestBytes(canonicalJson(files)) };
}

/** What is at the path. @throws MlshipError `model.not-found`. */
export async function statsOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    throw new MlshipError({
      code: "model.not-found",
      what: `there is no model at ${path}`,
      fix: "set model.path in mlship.yaml to the model's file or folder",
      exit: "usage",
      cause,
    });
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const root = await realpath(folder);
  const found: string[] = [];
  const open = [folder];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    for (const entry of await readdir(current, { withFileTypes: true })) {
      const path = join(current, entry.name);
      checkName(path);
      if (entry.isSymbolicLink()) await checkLink(path, root);
      // Only real folders are entered: a link to a folder could lead round in a circle.
      if (entry.isDirectory()) open.push(path);
      else found.push(path);
      if (found.length > mostFiles) throw tooMany(folder);
    }
  }
  return found;
}

/**
 * Refuses a folder with names that are not text, before anything copies it.
 * @throws MlshipError `model.file-name`, exit "usage".
 */
export async function checkNames(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) checkName(join(folder, name));
}

/** Bytes that are not UTF-8 have become U+FFFD: by that name no file is found. */
function checkName(path: string): void {
  if (!path.includes("\ufffd")) return;
  throw new MlshipError({
    code: "model.file-name",
    what: `the name of ${path} holds bytes that are not UTF-8`,
    why: "no report, list or image could name it as it is",
    fix: "rename the file, or take it out of the model's folder",
    exit: "usage",
  });
}

async function checkLink(path: string, root: string): Promise<void> {
  const target = await realpath(path).catch(() => null);
  const inside = target !== null && target.startsWith(root + sep) && !(await lstat(target)).isDirectory();
  if (inside) return;
  throw new MlshipError({
    code: "model.link",
    what: `${path} is a link that leads out of the model's folder, to a folder or nowhere`,
    why: "what it points to would not travel with the model",
    fix: "replace the link by the file itself",
    exit: "usage",
  });
}

function empty(path: string, stats: Stats): MlshipError {
  return new MlshipError({
    code: "model.empty",
    what: `${path} is an empty ${stats.isDirectory() ? "folder" : "file"}`,
    fix: "save the model again, and check that saving it succeeded",
    exit: "usage",
  });
}

function specialFile(path: string): MlshipError {
  return new MlshipError({
    code: "model.special-file",
    what: `${path} is neither a file nor a folder`,
    fix: "give model.path a regular file, or a folder of regular files",
    exit: "usage",
  });
}

function tooMany(folder: string): MlshipError {
  return new MlshipError({
    code: "model.too-many-files",
    what: `${folder} holds more than ${mostFiles} files`,
    why: "a model has few files, so this is probably not the model's own folder",
    fix: "give model.path the model's file, or a folder that holds only the model",
    exit: "usage",
  });
}
