// The server package as it comes with this mlship: its files, and what it requires.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson, digestBytes } from "../../digest.ts";
import type { FileSet, ModelFile } from "../../model/model.ts";

const packageName = "mlship_server";

/** The server's source files, and the lines of its requirements.txt. */
export interface ServerSource {
  files: FileSet;
  requirements: string[];
  /** The bytes of one of the files. */
  read(path: string): Promise<Uint8Array>;
}

/** Reads the folder that holds requirements.txt and the package `mlship_server`. */
export async function readServerSource(folder: string): Promise<ServerSource> {
  const entries = await readdir(join(folder, packageName), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const files: ModelFile[] = [];
  for (const path of paths.sort()) {
    const bytes = await readFile(join(folder, path));
    files.push({ path, size: bytes.length, sha256: digestBytes(bytes) });
  }
  return {
    files: {
      files,
      digest: digestBytes(canonicalJson(files)),
      size: files.reduce((sum, file) => sum + file.size, 0),
    },
    requirements: (await readFile(join(folder, "requirements.txt"), "utf8")).split("\n"),
    read: (path) => readFile(join(folder, path)),
  };
}
