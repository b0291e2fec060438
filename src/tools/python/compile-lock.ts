// Pins a set of requirements: every distribution by version and by the hashes of its wheels.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MlshipError } from "../../errors.ts";
import type { Interpreter } from "./interpreters.ts";
import type { Uv } from "./options.ts";
import { uvFailed } from "./uv-failed.ts";

/**
 * Requirement lines without comments and duplicates, sorted: equal sets give equal lists.
 * @throws MlshipError `python.bad-requirement`, exit 2, for a line that is an option of pip or that
 *   holds a password: a lock is stored with the release, and names no index.
 */
export function normaliseRequirements(lines: readonly string[]): string[] {
  const kept = lines.map((line) => line.replace(/(^|\s)#.*$/, "").trim()).filter((line) => line !== "");
  for (const line of kept) {
    if (line.startsWith("-")) {
      throw badRequirement(
        `"${line.split(/[\s=]/)[0]}" is an option of pip, not a requirement`,
        "name only packages; give an index to uv by UV_DEFAULT_INDEX",
      );
    }
    if (/:\/\/[^/\s]*@/.test(line)) {
      throw badRequirement(
        "a requirement holds a user name or password",
        "take it out of the URL; uv reads credentials from .netrc or its own variables",
      );
    }
    if (/[\n\r\0\\]/.test(line)) {
      throw badRequirement("a requirement spans lines", "write each requirement on one line");
    }
  }
  return [...new Set(kept)].sort();
}

function badRequirement(why: string, fix: string): MlshipError {
  return new MlshipError({
    code: "python.bad-requirement",
    what: "the Python requirements cannot be locked",
    why,
    fix,
    exit: "usage",
  });
}

/**
 * The text of a lock for one interpreter: requirements.txt syntax, sorted by name, wheels only, no
 * index, no path.
 * @throws MlshipError `python.unsatisfiable` or `python.bad-requirement`, exit 2;
 *   `python.index-unreachable`, exit 5.
 */
export async function compileLock(
  uv: Uv,
  requirements: readonly string[],
  interpreter: Interpreter,
  cacheFolder: string,
): Promise<string> {
  const folders = join(cacheFolder, "locking");
  await mkdir(folders, { recursive: true });
  const folder = await mkdtemp(join(folders, "lock-"));
  try {
    // A folder of its own: no pyproject.toml or uv.toml of a project is taken into account.
    await writeFile(join(folder, "requirements.in"), requirements.map((line) => `${line}\n`).join(""));
    const form = ["--generate-hashes", "--no-header", "--no-annotate", "--only-binary", ":all:"];
    const ran = await uv(
      ["pip", "compile", "--quiet", ...form, "--python", interpreter.path, "requirements.in"],
      folder,
    );
    if (ran.exitCode !== 0) throw uvFailed("the Python requirements could not be locked", ran, cacheFolder);
    return `${ran.stdout.trimEnd()}\n`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
