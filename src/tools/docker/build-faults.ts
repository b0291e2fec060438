// Why a build failed, in words that say what to do.
import { MlshipError } from "../../errors.ts";
import { lastLines } from "../process.ts";
import type { Failure } from "./status.ts";

/** What a builder said when it gave up. */
export interface FailedBuild {
  /** The builder, for people. */
  builder: string;
  failure: Failure | null;
  /** Its last words, without its account of the build. */
  words: string;
}

interface Fault {
  code: string;
  matches: RegExp;
  what: (builder: string) => string;
  fix: string;
}

/** The first that matches counts. All of them are found in words of BuildKit, containerd, uv and pip. */
const faults: Fault[] = [
  {
    code: "build.disk-full",
    matches: /no space left on device|ENOSPC|disk quota exceeded/i,
    what: (builder) => `${builder} has no room left`,
    fix: "make room where it keeps its data, for example with docker buildx prune, then run mlship build again",
  },
  {
    code: "build.engine-lost",
    matches:
      /cannot connect to the docker daemon|error reading (from server|preface)|transport is closing|client connection is (closing|force closed)|graceful_stop|code = Unavailable|failed to list workers|no such file or directory.*\.sock|dial unix|unexpected EOF$/im,
    what: (builder) => `${builder} went away while it built`,
    fix: "start it again and look whether docker buildx inspect works, then run mlship build again",
  },
  {
    code: "build.base-gone",
    matches:
      /(failed to resolve source metadata|failed to load cache key)[\s\S]*(not found|manifest unknown|no such manifest)/i,
    what: () => "the base image that is locked is no longer at its registry",
    fix: "pin the base anew with mlship lock --upgrade base",
  },
  {
    code: "build.base-denied",
    matches:
      /(failed to resolve source metadata|failed to load cache key|failed to authorize)[\s\S]*(401|403|unauthorized|denied|insufficient_scope|failed to authorize)/i,
    what: () => "the registry of the base image refused the builder",
    fix: "sign in with docker login REGISTRY, then run mlship build again",
  },
  {
    code: "build.no-registry",
    matches: /(failed to resolve source metadata|failed to do request|failed to copy)/i,
    what: () => "the builder could not read the base image from its registry",
    fix: "make sure that the builder reaches the registry, then run mlship build again",
  },
  {
    code: "build.hash-mismatch",
    matches: /hash(es)? mismatch|do not match the hashes|hashes? did not match/i,
    what: () => "the package index gave a file whose hash is not the locked one",
    fix: "find out why the file changed; if the new one is right, pin it with mlship lock --upgrade NAME",
  },
  {
    code: "build.no-network",
    matches:
      /temporary failure in name resolution|dns error|failed to lookup address|network is unreachable|could not connect|error sending request|failed to fetch|newconnectionerror|max retries exceeded/i,
    what: () => "the build could not reach the package index",
    fix: "make sure that the builder has a network and the index that the lock was made with, then run mlship build again",
  },
];

/** Lines of an instruction's output that an error shows. */
const shownLines = 12;

/** The error for a build that failed. */
export function buildFault({ builder, failure, words }: FailedBuild): MlshipError {
  const output = failure?.output ?? [];
  const said = [failure?.error ?? "", ...output, words].join("\n");
  const known = faults.find(({ matches }) => matches.test(said));
  const place = placeOf(words);
  const instruction = failure === null || failure.step === "" ? null : failure.step;
  const tail = output.slice(-shownLines);
  const told = tail.length > 0 ? tail : lastLines(withoutSnippet(words), 4).split("\n");
  const why = [...(instruction === null ? [] : [instruction]), ...told].join("\n");
  if (known !== undefined) {
    const { code, what, fix } = known;
    return new MlshipError({ code, what: what(builder), why, fix, exit: "unavailable" });
  }
  const where = place === null ? "" : ` at line ${place} of the Dockerfile`;
  return new MlshipError({
    code: "build.failed",
    what: `the build failed${where}: ${endOf(failure?.error ?? words)}`,
    why,
    fix: "correct what its output names; mlship generate writes the same Dockerfile into deploy/image to try it by hand",
    exit: "unavailable",
  });
}

/** The line of the Dockerfile that buildx names: `Dockerfile:12`. */
function placeOf(words: string): string | null {
  return /^\S*Dockerfile:(\d+)$/m.exec(words)?.[1] ?? null;
}

/** How the instruction ended, without the instruction, which follows anyway. */
function endOf(error: string): string {
  const ended = /did not complete successfully: (.+)$/m.exec(error)?.[1];
  const last = withoutSnippet(error).trim().split("\n").at(-1) ?? "";
  return ended ?? last.replace(/^ERROR: (failed to solve: )?/, "");
}

/** Without buildx's excerpt of the Dockerfile. */
function withoutSnippet(words: string): string {
  return words.replace(/^\S*Dockerfile:\d+\n-{5,}\n[\s\S]*?\n-{5,}\n?/m, "");
}
