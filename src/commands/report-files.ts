// The files that a verb was asked to write its result to: looked at before the work, written whole after it.
import { mkdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { MlshipError, type Problem } from "../errors.ts";
import { writeWholeText } from "../image/whole-file.ts";

/** Flag → file as it was written on the command line; undefined where the flag was not given. */
export type AskedFiles = Readonly<Record<string, string | undefined>>;

/** Files that can be written. */
export type ReportFiles<Asked extends AskedFiles> = {
  /** Writes one, when it was asked for; `make` is not called otherwise. */
  write: (flag: keyof Asked & string, make: () => string) => Promise<void>;
};

/**
 * Checks that each file can be written, and makes the folders above it.
 * @param cwd what relative paths start from
 * @throws MlshipError `report.file`, exit 2, with all that is wrong: a folder, a device, two flags for one file.
 */
export async function openReportFiles<Asked extends AskedFiles>(
  asked: Asked,
  cwd: string,
): Promise<ReportFiles<Asked>> {
  const places = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [flag, file] of Object.entries(asked)) {
    if (file === undefined) continue;
    try {
      const place = await placeOf(path.resolve(cwd, file));
      const other = [...places].find(([, taken]) => taken === place)?.[0];
      if (other === undefined) places.set(flag, place);
      else problems.push({ what: `--${flag} and --${other} name the same file, ${file}` });
    } catch (error) {
      problems.push({ what: `--${flag} ${file}: ${reasonOf(error)}` });
    }
  }
  if (problems.length > 0) throw unwritable(problems);
  return {
    async write(flag, make) {
      const place = places.get(flag);
      if (place === undefined) return;
      const text = make();
      await writeWholeText(place, text).catch((error: unknown) => {
        throw unwritable([{ what: `--${flag} ${asked[flag] ?? ""}: ${reasonOf(error)}` }], error);
      });
    },
  };
}

/** Where a file is to be: behind its links, since a file that replaces a link is not what was asked for. */
async function placeOf(file: string): Promise<string> {
  if (file.endsWith(path.sep)) throw new Error("it is a folder");
  const kind = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (kind === null) {
    await mkdir(path.dirname(file), { recursive: true });
    return path.join(await realpath(path.dirname(file)), path.basename(file));
  }
  if (kind.isDirectory()) throw new Error("it is a folder");
  if (!kind.isFile()) throw new Error("it is no file, but a device or a pipe");
  return await realpath(file);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  const reasons: Record<string, string> = {
    EACCES: "the system does not permit it",
    EPERM: "the system does not permit it",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
    ENOTDIR: "a part of its path is a file",
    EEXIST: "a part of its path is a file",
    ENAMETOOLONG: "its name is too long",
  };
  return reasons[code] ?? error.message;
}

function unwritable(problems: Problem[], cause?: unknown): MlshipError {
  return new MlshipError({
    code: "report.file",
    what: "the report cannot be written where it was asked for",
    fix: "name a file in a folder that you may write to",
    exit: "usage",
    problems,
    cause,
  });
}
