// Requirement lines as a resolver is asked them: no options, no passwords, no duplicates.
import { MlshipError } from "../../errors.ts";

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
