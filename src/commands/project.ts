// The project that a command works on: its configuration, its folders, its channel.
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import type { Host } from "./host.ts";
import type { ProjectOptions } from "./result.ts";

/** One model's project on disk. */
export interface Project {
  config: Config;
  /** What is promoted and rolled back as one line of history: the environment, or `production`. */
  channel: string;
  /** The folder `.mlship`, where mlship keeps what it makes. */
  state: string;
}

/**
 * Reads mlship.yaml and what overrides it.
 * @throws MlshipError `config.*`, exit 2.
 */
export async function openProject(host: Host, options: ProjectOptions): Promise<Project> {
  const { config } = await loadConfig({ cwd: host.cwd, env: host.env, ...options });
  return projectOf(config);
}

/** The project of a configuration that is not in a file yet. */
export function projectOf(config: Config): Project {
  return { config, channel: config.environment ?? "production", state: path.join(config.folder, ".mlship") };
}

/** The folder `.mlship`, made when it is missing. Git ignores it: it is made again from what git keeps. */
export async function makeState({ state }: Project): Promise<string> {
  await mkdir(state, { recursive: true });
  await writeFile(path.join(state, ".gitignore"), "*\n", { flag: "wx" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
  return state;
}

/**
 * How long a staging folder is left alone whose process cannot be looked at, because it ran on another
 * machine or in a container, in ms: longer than any command takes.
 */
const abandonedAfter = 24 * 3600 * 1000;

/** Gives `work` an empty folder below `.mlship` and removes it afterwards, whatever happens. */
export async function withStaging<T>(
  project: Project,
  host: Host,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const staging = path.join(await makeState(project), "staging");
  await mkdir(staging, { recursive: true });
  for (const left of await readdir(staging)) {
    if (await isAbandoned(staging, left, host)) {
      await rm(path.join(staging, left), { recursive: true, force: true });
    }
  }
  const { pid, host: machine } = host.actor;
  const folder = path.join(staging, `${pid}-${machine}-${host.nonce()}`);
  await mkdir(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether a staging folder, named after its process, is that of a killed command. */
async function isAbandoned(staging: string, name: string, host: Host): Promise<boolean> {
  const [, pid, machine] = /^(\d+)-(.+)-[0-9a-f-]{36}$/.exec(name) ?? [];
  if (machine === host.actor.host && !host.isAlive(Number(pid))) return true;
  const found = await stat(path.join(staging, name)).catch(() => null);
  return found !== null && host.clock.now().getTime() - found.mtimeMs > abandonedAfter;
}
