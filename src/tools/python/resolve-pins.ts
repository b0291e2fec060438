// Pins a set of requirements: every distribution by version and by the hashes of the files that fit.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import { normaliseName } from "../../image/lock/drift.ts";
import type { Pin } from "../../image/lock/lock.ts";
import type { Uv } from "./options.ts";
import { uvFailed } from "./uv-failed.ts";

/** What is pinned, and for which Python on which machine. */
export interface PinQuestion {
  requirements: readonly string[];
  /** Options of uv that name the Python and its platform. */
  target: readonly string[];
  /** For people: `Python 3.12 on linux/arm64`. */
  about: string;
  /** Normalised names of distributions that may be built from source. */
  allowSource: readonly string[];
  preferred: readonly Pick<Pin, "name" | "version">[];
}

const file = z.object({ hashes: z.object({ sha256: z.string() }) });

/** PEP 751, as far as it is read. uv lists only the wheels that fit the platform. */
const pylock = z.object({
  packages: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        wheels: z.array(file).default([]),
        sdist: file.optional(),
      }),
    )
    .default([]),
});

/**
 * Asks uv for wheels; where there is none of a distribution that may be built from source, for its source.
 * @throws MlshipError `lock.no-wheel`, `python.unsatisfiable` or `python.bad-requirement`, exit 2;
 *   `python.index-unreachable`, exit 5.
 */
export async function resolvePins(uv: Uv, question: PinQuestion, cacheFolder: string): Promise<Pin[]> {
  const folders = join(cacheFolder, "locking");
  await mkdir(folders, { recursive: true });
  // A folder of its own: no pyproject.toml or uv.toml of a project is taken into account.
  const folder = await mkdtemp(join(folders, "lock-"));
  try {
    await writeFile(
      join(folder, "requirements.in"),
      question.requirements.map((line) => `${line}\n`).join(""),
    );
    return await withSources(uv, question, cacheFolder, folder, []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param sources distributions for which there was no wheel. */
async function withSources(
  uv: Uv,
  question: PinQuestion,
  cacheFolder: string,
  folder: string,
  sources: readonly string[],
): Promise<Pin[]> {
  const output = join(folder, "pylock.toml");
  if (question.preferred.length > 0) await writeFile(output, preferences(question.preferred));
  const ran = await uv(
    [
      "pip",
      "compile",
      "--quiet",
      "--no-header",
      "--format=pylock.toml",
      `--output-file=${output}`,
      "--only-binary=:all:",
      ...sources.map((name) => `--no-binary=${name}`),
      ...question.target,
      "requirements.in",
    ],
    folder,
  );
  if (ran.exitCode === 0) return pinsOf(await readFile(output, "utf8"), sources);
  const lacking = withoutWheel(ran.stderr);
  if (lacking === null) throw uvFailed("the Python requirements could not be locked", ran, cacheFolder);
  if (question.allowSource.includes(lacking) && !sources.includes(lacking))
    return await withSources(uv, question, cacheFolder, folder, [...sources, lacking]);
  throw new MlshipError({
    code: "lock.no-wheel",
    what: `${lacking} has no wheel that fits ${question.about}`,
    why: uvFailed("", ran, cacheFolder).why ?? "",
    fix: `require another version of ${lacking}, name it under python.allowSource in mlship.yaml so that it may be built from source, or change python.version or image.platforms`,
    exit: "usage",
  });
}

/**
 * The distribution of which uv says that no wheel fits. Its words differ with what is wrong: `has no
 * wheels with a matching platform tag`, `has no usable wheels`, `all versions of X have no usable wheels`.
 */
function withoutWheel(stderr: string): string | null {
  const words = stderr.replaceAll(/[\s│╰─▶×]+/g, " ");
  const found = /([A-Za-z0-9][\w.-]*)\S* ha(?:s|ve) no (?:usable )?wheels/.exec(words);
  return found?.[1] === undefined ? null : normaliseName(found[1]);
}

/** What uv reads as the earlier result, whose versions it keeps where it can. */
function preferences(pins: PinQuestion["preferred"]): string {
  const packages = pins.map(
    ({ name, version }) =>
      `\n[[packages]]\nname = ${JSON.stringify(name)}\nversion = ${JSON.stringify(version)}\n`,
  );
  return `lock-version = "1.0"\ncreated-by = "mlship"\n${packages.join("")}`;
}

function pinsOf(text: string, sources: readonly string[]): Pin[] {
  const pins = pylock.parse(parse(text)).packages.map(({ name, version, wheels, sdist }): Pin => {
    const normal = normaliseName(name);
    const isSource = sources.includes(normal);
    const files = isSource && sdist ? [sdist] : wheels;
    if (files.length === 0) throw new Error(`uv pinned ${normal} ${version} and named no file of it`);
    const sha256 = [...new Set(files.map(({ hashes }) => hashes.sha256))].sort();
    return { name: normal, version, sha256, ...(isSource ? { source: true as const } : {}) };
  });
  return pins.sort((a, b) => (a.name < b.name ? -1 : 1));
}
