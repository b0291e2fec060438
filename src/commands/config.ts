// `mlship config show`: the configuration in force, and where each value comes from.
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import type { Origin } from "../config/layers.ts";
import type { Written } from "../config/schema.ts";
import type { Host } from "./host.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** mlship.config/v1: every value in force, in the words of mlship.yaml. */
export interface ConfigDocument extends ResultDocument {
  schema: "mlship.config/v1";
  /** Absolute path of the file that was read. */
  file: string;
  /** The environment that was chosen, or null. */
  environment: string | null;
  values: Written;
  /** `serve.port` → where its value comes from, for every value above. */
  origins: Record<string, Origin>;
}

/** Reads the project's configuration and shows it. */
export async function showConfig(host: Host, selection: ProjectOptions): Promise<Result<ConfigDocument>> {
  return describeConfig(await loadConfig({ cwd: host.cwd, env: host.env, ...selection }));
}

/** What was loaded, as a document. */
export function describeConfig({ config, written, origins, file }: LoadedConfig): Result<ConfigDocument> {
  return {
    document: {
      schema: "mlship.config/v1",
      file,
      environment: config.environment,
      values: written,
      origins: Object.fromEntries(origins),
    },
    exit: "done",
  };
}
