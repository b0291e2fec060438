// Asks git which commit the work tree of a folder is at.
import { MlshipError } from "../errors.ts";
import { attempt, lastLines } from "./process.ts";
import type { Ran, Variables } from "./process.ts";

/**
 * Commit of the work tree that holds a folder; `dirty` when tracked files differ from it, as in
 * `git describe --dirty`. Null outside git, before the first commit, or where git is not installed.
 * @throws MlshipError `git.failed` when git refuses, for instance a work tree of another owner.
 */
export async function commitOf(
  folder: string,
  env: Variables,
  signal?: AbortSignal,
): Promise<{ commit: string; dirty: boolean } | null> {
  const git = (...args: string[]): Promise<Ran> =>
    attempt("git", ["-C", folder, "--no-optional-locks", ...args], { env: { ...env, LC_ALL: "C" }, signal });
  try {
    const head = await git("rev-parse", "--verify", "--quiet", "HEAD^{commit}");
    if (head.exitCode === 1 || head.stderr.includes("not a git repository")) return null;
    if (head.exitCode !== 0) throw refused(folder, head);
    const status = await git("status", "--porcelain", "--untracked-files=no");
    if (status.stderr.includes("must be run in a work tree")) return null;
    if (status.exitCode !== 0) throw refused(folder, status);
    return { commit: head.stdout.trim(), dirty: status.stdout.trim() !== "" };
  } catch (error) {
    if (error instanceof MlshipError && error.code === "tool.missing") return null;
    throw error;
  }
}

function refused(folder: string, ran: Ran): MlshipError {
  return new MlshipError({
    code: "git.failed",
    what: `git could not say which commit ${folder} is at`,
    why: lastLines(ran.stderr, 10),
    exit: "unavailable",
  });
}
