// What the Python tools work with: mlship's cache, the environment variables, and uv once it is found.
import type { Ran, Variables } from "../process.ts";

/** Where the Python tools work. */
export interface PythonOptions {
  /** mlship's cache: uv, what uv downloaded, and environments are below it. */
  cacheFolder: string;
  env: Variables;
  signal?: AbortSignal | undefined;
}

/** Runs uv with these arguments; gives what it printed, whatever its exit code. */
export type Uv = (args: readonly string[], cwd: string) => Promise<Ran>;
