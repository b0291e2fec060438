// Says in mlship's terms why uv failed, with uv's own words as the reason.
import { MlshipError } from "../../errors.ts";
import { lastLines } from "../process.ts";
import type { Ran } from "../process.ts";

interface Meaning {
  words: RegExp;
  code: string;
  fix: string;
  exit: "usage" | "unavailable";
}

/** In this order: uv reports a wrong hash as a failed download, and offline as no solution. */
const meanings: Meaning[] = [
  {
    words: /No space left on device|Disk quota exceeded/,
    code: "python.cache-full",
    fix: "free some space there, or set MLSHIP_CACHE to a folder with more; then run the same command again",
    exit: "unavailable",
  },
  {
    words: /Hash mismatch/i,
    code: "python.hash-mismatch",
    fix: "the package index serves other bytes than those that were locked: do not use them; ask who runs the index",
    exit: "unavailable",
  },
  {
    words:
      /network (was|is) disabled|error sending request|Failed to (fetch|download)|Request failed|timed out|HTTP status/i,
    code: "python.index-unreachable",
    fix: "check the network and uv's index settings (UV_DEFAULT_INDEX, HTTPS_PROXY, SSL_CERT_FILE), then run the same command again",
    exit: "unavailable",
  },
  {
    words: /No solution found/,
    code: "python.unsatisfiable",
    fix: "change the requirements, or set python.version to one that the packages support",
    exit: "usage",
  },
  {
    words: /Couldn't parse requirement|Failed to parse|not a valid/i,
    code: "python.bad-requirement",
    fix: "write each requirement as a package name with versions: scikit-learn==1.5.2",
    exit: "usage",
  },
];

/** The error for a uv that ended with an exit code other than 0. */
export function uvFailed(what: string, ran: Ran, cacheFolder: string): MlshipError {
  const meaning = meanings.find(({ words }) => words.test(ran.stderr));
  const where = meaning?.code === "python.cache-full" ? `\nthe cache is ${cacheFolder}` : "";
  return new MlshipError({
    code: meaning?.code ?? "python.uv-failed",
    what,
    why: lastLines(ran.stderr, 20) + where,
    ...(meaning === undefined ? {} : { fix: meaning.fix }),
    exit: meaning?.exit ?? "unavailable",
  });
}
