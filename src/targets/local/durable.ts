// Small JSON files that are either the old one or the new one, also after a crash or a full disk.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import type { z } from "zod";
import { MlshipError } from "../../errors.ts";

/**
 * Replaces a file in one step, readable by its owner only.
 * @throws MlshipError `state.not-written`, exit 5; the old file is then untouched.
 */
export function replaceJson(file: string, document: unknown): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeThrough(draft, JSON.stringify(document));
    renameSync(draft, file);
    syncFolder(dirname(file));
  } catch (cause) {
    discard(draft);
    throw notWritten(file, cause);
  }
}

/** Removes a draft. What kept it from being finished is the error to report, not this. */
export function discard(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // Its folder is gone, or no folder: then there is no draft either.
  }
}

/** Writes a new file and waits until it is on the disk. @throws when it exists. */
export function writeThrough(file: string, text: string): void {
  const handle = openSync(file, "wx", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Reads and checks a file; null when there is none.
 * @throws MlshipError `state.unreadable`, exit 7, when it is not what mlship writes there.
 */
export function readJson<T>(file: string, schema: z.ZodType<T>): T | null {
  const text = readIfThere(file);
  if (text === null) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw unreadable(file, "it is not JSON", cause);
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unreadable(
      file,
      `${issue?.path.join(".") || "the document"}: ${issue?.message ?? "unknown shape"}`,
    );
  }
  return parsed.data;
}

/** The error for a state file that cannot be written. */
export function notWritten(file: string, cause: unknown): MlshipError {
  return new MlshipError({
    code: "state.not-written",
    what: `cannot write ${file}`,
    why: errorText(cause),
    fix: "free some disk space or make the folder writable, then run the command again",
    exit: "unavailable",
    cause,
  });
}

/** The message of whatever was thrown. */
export function errorText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Whether a system call failed with this code (`ENOENT`). */
export function failedWith(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (failedWith(cause, "ENOENT")) return null;
    throw unreadable(file, errorText(cause), cause);
  }
}

function unreadable(file: string, why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "state.unreadable",
    what: `cannot read ${file}`,
    why,
    fix: "look at the file; when it is damaged, move it away and run the command again",
    exit: "attention",
    cause,
  });
}

// A rename is only safe from a power cut once its folder is on the disk.
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
