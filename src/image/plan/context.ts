// The build context: exactly the files that the Dockerfile copies, all with one time and the same rights.
import { chmod, copyFile, lutimes, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Platform } from "../../config/image-keys.ts";
import { printable } from "./emit.ts";
import { requirementsText } from "../lock/text.ts";
import type { Lock } from "../lock/lock.ts";
import { places } from "./layers.ts";

/** One file of a context: its path, and its text or the file that it is a copy of. */
export type ContextFile = { path: string; text: string } | { path: string; from: string };

/** What a context is made of. `from` are absolute paths. */
export interface ContextParts {
  dockerfile: string;
  lock: Lock;
  /** Texts of assemble.py, of install.py, and of the format's loader in the server's package. */
  scripts: { assemble: string; install: string; loader: string };
  /** Below the server's folder: `mlship_server/app.py`. */
  server: readonly { path: string; from: string }[];
  /** Empty when the model is no layer of this image. */
  model: readonly { path: string; from: string }[];
  /** Text of mlship.json. */
  bundle: string;
  handler: { path: string; from: string } | null;
}

/** An allow-list: whatever else lies in the folder never reaches a builder. */
const dockerignore = "*\n!Dockerfile\n!build\n!layers\n";

/**
 * The files of a context, sorted by path.
 * @throws MlshipError `image.unprintable` for a file whose name nobody can read.
 */
export function contextFiles(parts: ContextParts): ContextFile[] {
  const { dockerfile, lock, scripts, server, model, bundle, handler } = parts;
  const below = (layer: string, place: string) => (file: { path: string; from: string }) => ({
    path: `layers/${layer}${place}/${printable(file.path, "the name of a file")}`,
    from: file.from,
  });
  const files: ContextFile[] = [
    { path: "Dockerfile", text: dockerfile },
    { path: ".dockerignore", text: dockerignore },
    { path: "build/assemble.py", text: scripts.assemble },
    { path: "build/install.py", text: scripts.install },
    { path: "build/loader.py", text: scripts.loader },
    { path: "build/python.txt", text: `${lock.python}\n` },
    { path: "build/uv.txt", text: uvRequirement(lock) },
    ...lock.inputs.platforms.map((platform) => ({
      path: `build/requirements-${architecture(platform)}.txt`,
      text: requirementsText(lock, platform),
    })),
    ...server.map(below("server", places.server)),
    ...model.map(below("model", places.model)),
    { path: `layers/runtime${places.bundle}/mlship.json`, text: bundle },
    ...(handler === null ? [] : [handler].map(below("runtime", places.bundle))),
  ];
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Writes files below a folder that does not exist yet: readable by all, writable by nobody, of 1970. */
export async function writeContext(folder: string, files: readonly ContextFile[]): Promise<void> {
  const folders = new Set([folder]);
  for (const file of files) {
    const target = path.join(folder, file.path);
    for (let above = path.dirname(target); above !== folder; above = path.dirname(above)) folders.add(above);
    await mkdir(path.dirname(target), { recursive: true });
    if ("text" in file) await writeFile(target, file.text);
    else await copyFile(file.from, target);
    await chmod(target, 0o444);
    await lutimes(target, 0, 0);
  }
  // A folder's time changes with every file that is written into it, so folders come last, the deepest first.
  for (const each of [...folders].sort((a, b) => b.length - a.length)) {
    await chmod(each, 0o755);
    await lutimes(each, 0, 0);
  }
}

/** `amd64` of `linux/amd64`, as a Dockerfile names it in TARGETARCH. */
function architecture(platform: Platform): string {
  return platform.slice("linux/".length);
}

/** The pinned uv, with the hashes of its wheels for every platform that may build. */
function uvRequirement({ builder: { uv } }: Lock): string {
  const hashes = Object.values(uv.sha256).toSorted();
  return `uv==${uv.version}${hashes.map((hash) => ` --hash=sha256:${hash}`).join("")}\n`;
}
