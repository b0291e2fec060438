// Finds the CPython interpreters of this machine.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import { attempt, lastLines } from "../process.ts";
import type { PythonOptions, Uv } from "./options.ts";

/** The oldest minor version of CPython 3 that the server package supports. */
const oldestMinor = 10;

/** One interpreter on this machine. */
export interface Interpreter {
  path: string;
  /** `3.12` */
  minor: string;
}

/**
 * An interpreter on PATH that can run pip.
 * @throws MlshipError `python.missing`, exit 5.
 */
export async function bootstrapPython(options: PythonOptions): Promise<string> {
  const found: string[] = [];
  for (const program of ["python3", "python"]) {
    const version = await versionOf(program, options);
    if (version === null) continue;
    if (Number(version.split(".")[1]) >= oldestMinor && version.startsWith("3.")) return program;
    found.push(`${program} ${version}`);
  }
  throw pythonMissing(found);
}

async function versionOf(program: string, options: PythonOptions): Promise<string | null> {
  try {
    const asks = "import sys; print('%d.%d' % sys.version_info[:2])";
    const ran = await attempt(program, ["-c", asks], options);
    return ran.exitCode === 0 ? ran.stdout.trim() : null;
  } catch (error) {
    if (error instanceof MlshipError && error.code === "tool.missing") return null;
    throw error;
  }
}

const listed = z.array(
  z.object({
    path: z.string().nullable(),
    version_parts: z.object({ major: z.number(), minor: z.number() }),
    implementation: z.string(),
    variant: z.string().default("default"),
  }),
);

/**
 * The supported interpreters that uv finds, newest minor version first, one of each: the one that
 * comes first on PATH.
 * @throws MlshipError `python.missing`, exit 5, when there is none.
 */
export async function listInterpreters(uv: Uv, cwd: string): Promise<Interpreter[]> {
  const ran = await uv(["python", "list", "--only-installed", "--output-format", "json"], cwd);
  if (ran.exitCode !== 0) {
    throw new MlshipError({
      code: "python.not-listed",
      what: "uv could not list the Python interpreters of this machine",
      why: lastLines(ran.stderr, 10),
      exit: "unavailable",
    });
  }
  const all = listed.parse(JSON.parse(ran.stdout));
  const byMinor = new Map<number, Interpreter>();
  for (const { path, version_parts: version, implementation, variant } of all) {
    const supported = implementation === "cpython" && variant === "default" && version.major === 3;
    if (path === null || !supported || version.minor < oldestMinor || byMinor.has(version.minor)) continue;
    byMinor.set(version.minor, { path, minor: `3.${version.minor}` });
  }
  if (byMinor.size === 0) {
    const versions = all.map(({ version_parts: { major, minor } }) => `${major}.${minor}`);
    throw pythonMissing([...new Set(versions)]);
  }
  return [...byMinor].toSorted(([a], [b]) => b - a).map(([, interpreter]) => interpreter);
}

/**
 * The interpreter of a minor version.
 * @throws MlshipError `python.version-missing`, exit 5, that names the versions that are there.
 */
export function interpreterOf(minor: string, interpreters: readonly Interpreter[]): Interpreter {
  const match = interpreters.find((interpreter) => interpreter.minor === minor);
  if (match !== undefined) return match;
  const versions = interpreters.map((interpreter) => interpreter.minor);
  throw new MlshipError({
    code: "python.version-missing",
    what: `Python ${minor} is not on this machine`,
    why: `found on PATH: ${versions.join(", ")}`,
    fix: `install Python ${minor} and put it on PATH, or set python.version in mlship.yaml to one that is there`,
    exit: "unavailable",
  });
}

function pythonMissing(found: readonly string[]): MlshipError {
  return new MlshipError({
    code: "python.missing",
    what: `no Python 3.${oldestMinor} or newer was found on PATH`,
    ...(found.length === 0 ? {} : { why: `found only: ${found.join(", ")}` }),
    fix: `install Python 3.${oldestMinor} or newer and put it on PATH as python3`,
    exit: "unavailable",
  });
}
