// Reads a project's requirements.txt: named packages, with markers and hashes, and nothing else.
import { MlshipError, type Problem } from "../../errors.ts";
import { normaliseName } from "./drift.ts";
import type { Pin } from "./lock.ts";

/** ` --hash=sha256:…` at the end of a line, as often as it is there. */
const hashes = /\s--hash[= ]sha256:([0-9a-f]{64})(?=\s|$)/g;

/** A PEP 508 name with extras, followed by versions and a marker or by nothing. */
const named = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[A-Za-z0-9._,\s-]*\]\s*)?(?=[<>=!~;(]|$)/;

const indexFix = "name only packages; give an index to uv by UV_DEFAULT_INDEX or UV_INDEX";
const packageFix = "name a package and its versions: scikit-learn==1.5.2";

/**
 * The requirements of a text in requirements.txt syntax, normalised: no comments, no duplicates,
 * sorted, one line each. Hashes that the user gave stay behind their line.
 * @param file what an error calls the file
 * @throws MlshipError `python.bad-requirement`, exit 2, that names each line which is an option, a
 *   URL, a path or not a requirement at all: a lock says where nothing comes from, only what it is.
 */
export function readRequirements(text: string, file: string): string[] {
  const problems: Problem[] = [];
  const found: string[] = [];
  for (const { line, text: written } of logicalLines(text)) {
    const requirement = written.replace(/(^|\s)#.*$/, "").trim();
    if (requirement === "") continue;
    const refused = refusalOf(requirement);
    if (refused) problems.push({ ...refused, at: { file, line } });
    else found.push(normaliseRequirement(requirement));
  }
  if (problems.length > 0) {
    throw new MlshipError({
      code: "python.bad-requirement",
      what: `${file} holds what cannot be locked`,
      fix: "change the lines below",
      exit: "usage",
      problems,
    });
  }
  return [...new Set(found)].sort();
}

/** A requirement line without the hashes behind it: what a resolver is asked. */
export function withoutHashes(line: string): string {
  return line.replaceAll(hashes, "");
}

/**
 * Pins that hold only those files whose hashes the user gave, for each distribution that has some.
 * @param about what the pins are for: `linux/arm64`
 * @throws MlshipError `lock.hash-mismatch`, exit 2, when none of them is a file of that distribution.
 */
export function keepGivenHashes(pins: readonly Pin[], requirements: readonly string[], about: string): Pin[] {
  const given = new Map<string, Set<string>>();
  for (const line of requirements) {
    const allowed = [...line.matchAll(hashes)].flatMap(([, hash]) => (hash === undefined ? [] : [hash]));
    if (allowed.length === 0) continue;
    const name = nameOf(line);
    given.set(name, new Set([...(given.get(name) ?? []), ...allowed]));
  }
  return pins.map((pin) => {
    const allowed = given.get(pin.name);
    if (!allowed) return pin;
    const sha256 = pin.sha256.filter((hash) => allowed.has(hash));
    if (sha256.length > 0) return { ...pin, sha256 };
    throw new MlshipError({
      code: "lock.hash-mismatch",
      what: `none of the hashes given for ${pin.name} is that of a file of ${pin.name} ${pin.version} for ${about}`,
      why: `given: ${[...allowed].map(short).join(", ")}; the index has: ${pin.sha256.map(short).join(", ")}`,
      fix: "if the hashes are of another version or platform, correct them; if not, the index serves other bytes than you expect: do not use them",
      exit: "usage",
    });
  });
}

/** Normalised name of the distribution that a requirement line begins with. */
export function nameOf(line: string): string {
  return normaliseName(/^[A-Za-z0-9._-]*/.exec(line)?.[0] ?? "");
}

/** Lines with those that a backslash joins, each with the number of its first. */
function logicalLines(text: string): { line: number; text: string }[] {
  const joined: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const goesOn = line.endsWith("\\");
    const part = goesOn ? line.slice(0, -1) : line;
    const last = joined.at(-1);
    if (open && last) last.text += ` ${part.trim()}`;
    else joined.push({ line: index + 1, text: part });
    open = goesOn;
  }
  return joined;
}

/** Why a line cannot be locked, in words that repeat no URL: it may hold a password. */
function refusalOf(line: string): Pick<Problem, "what" | "fix"> | null {
  const bare = line.replaceAll(hashes, "");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(line))
    return { what: "a line holds control characters", fix: packageFix };
  if (/^(-e|--editable)\b/.test(bare))
    return { what: "an editable package is not a released one", fix: "name a released version of it" };
  if (/^(-r|-c|--requirement|--constraint)\b/.test(bare))
    return { what: "another file is included", fix: "write its lines here" };
  if (bare.startsWith("-"))
    return {
      what: `${JSON.stringify(bare.split(/[\s=]/)[0])} is an option of pip, not a requirement`,
      fix: indexFix,
    };
  if (/(^|\s)--/.test(bare))
    return {
      what: "an option of pip stands behind a requirement",
      fix: "only --hash=sha256:… may stand there",
    };
  if (/^(git|hg|svn|bzr)\+/.test(bare) || /@\s*(git|hg|svn|bzr)\+/.test(bare))
    return { what: "a version control system is named, not a package", fix: packageFix };
  if (bare.includes("://")) return { what: "a URL is named, not a package", fix: packageFix };
  if (/^[^;]*@/.test(bare))
    return { what: "a package is taken from a place of its own (name @ …)", fix: packageFix };
  if (/^(\.{0,2}\/|~|[A-Za-z]:\\)/.test(bare) || /^[^;<>=]*(\/|\.whl\b|\.tar\.gz\b|\.zip\b)/.test(bare))
    return { what: "a file or folder is named, not a package", fix: packageFix };
  if (!named.test(bare)) return { what: `${JSON.stringify(bare)} is not a requirement`, fix: packageFix };
  return null;
}

function normaliseRequirement(line: string): string {
  const given = [...line.matchAll(hashes)].map(([, hash]) => ` --hash=sha256:${hash}`);
  return withoutHashes(line).trim().replaceAll(/\s+/g, " ") + [...new Set(given)].sort().join("");
}

function short(hash: string): string {
  return `${hash.slice(0, 12)}…`;
}
