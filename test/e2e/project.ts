// A user's project for end-to-end tests: its own folder, port and store, the real binary, and proof that nothing stays.
import { spawn, type ChildProcess } from "node:child_process";
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startLoad, type Load } from "../../scripts/load.ts";

const repository = path.resolve(import.meta.dirname, "../..");
const binary = path.join(repository, "bin", "mlship.js");
export const fixtures = path.join(repository, "fixtures");
const cancer = path.join(fixtures, "breast-cancer");

/** Milliseconds after which a command that goes on is ended and its test fails. */
const patience = 400_000;

/** How a command ended and what it printed. */
export interface Ended {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** All of it as one line, whatever the width that it was wrapped to. */
  told: string;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  /** What it has printed on stderr so far. */
  readonly told: () => string;
  readonly ended: Promise<Ended>;
}

/** The rollout's record as far as tests look into it. */
export interface Record {
  phase: string;
  share: number;
  outcome: string | null;
  to: { version: string };
}

export type Environment = Readonly<{ [name: string]: string | undefined }>;

/** Opens an empty project. @param env in addition to this process's variables */
export async function openProject(env: Environment = {}): Promise<Project> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "mlship-e2e-")));
  return new Project(folder, await freePort(), env);
}

/** A project with the breast cancer rows and one of its models. */
export async function openCancer(version = "1.0.0", env: Environment = {}): Promise<Project> {
  const project = await openProject(env);
  await copyFile(path.join(cancer, "test_data.csv"), path.join(project.folder, "test_data.csv"));
  await project.handOver(version);
  return project;
}

/** Rows as users of the breast cancer model send them. @param all also the 13 that version 1.3.0 fails on */
export async function userRows(all = false): Promise<string[]> {
  const rows = (await readFile(path.join(cancer, "live.jsonl"), "utf8")).trim().split("\n");
  return all ? rows : rows.filter((row) => !row.includes('"mean_concavity": 0.0,'));
}

/** One project with everything that a test does to it. */
export class Project {
  readonly folder: string;
  readonly port: number;
  readonly #env: Environment;
  readonly #running = new Set<Running>();
  readonly #loads = new Set<Load>();

  constructor(folder: string, port: number, env: Environment) {
    this.folder = folder;
    this.port = port;
    this.#env = env;
  }

  file(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Writes mlship.yaml for the breast cancer model, with a canary that a test can wait for. */
  async write(
    version: string,
    more: { model?: object; canary?: object; [key: string]: unknown } = {},
  ): Promise<void> {
    const { model = {}, canary = {}, ...keys } = more;
    const document = {
      name: "tumour",
      version,
      model: { path: "model.joblib", ...model },
      validate: { data: "test_data.csv", gates: { accuracy: { min: 0.8 } } },
      deploy: { canary: { steps: [20, 50], interval: "1s", maxHarm: 0.05, bake: "1s", ...canary } },
      ...keys,
    };
    await writeFile(this.file("mlship.yaml"), JSON.stringify(document, null, 2));
  }

  /** Puts a model of the fixtures in place, under its own version or another. */
  async handOver(model: string, version = model, more: Parameters<Project["write"]>[1] = {}): Promise<void> {
    await copyFile(path.join(cancer, "models", model, "model.joblib"), this.file("model.joblib"));
    await this.write(version, more);
  }

  /** Adds a handler to the model. */
  async handle(code: string): Promise<void> {
    await writeFile(this.file("handler.py"), code);
  }

  /** Copies a case of fixtures/formats. */
  async take(name: string): Promise<void> {
    await cp(path.join(fixtures, "formats", name), this.folder, { recursive: true });
  }

  /**
   * Starts the binary in the project's folder.
   * @param through a command that starts the one behind it: `taskset -c 0`
   */
  start(words: string[], env: Environment = {}, through: readonly string[] = []): Running {
    const [program = "", ...line] = [...through, process.execPath, binary, ...words];
    const child = spawn(program, line, {
      cwd: this.folder,
      env: { ...process.env, MLSHIP_SERVE_PORT: String(this.port), ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const over = setTimeout(() => child.kill("SIGKILL"), patience);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) =>
        resolve({ code, stdout, stderr, told: `${stdout} ${stderr}`.replaceAll(/\s+/g, " ") }),
      );
    }).finally(() => {
      clearTimeout(over);
      this.#running.delete(running);
    });
    const running = { process: child, told: () => stderr, ended };
    this.#running.add(running);
    return running;
  }

  run(words: string[], env: Environment = {}): Promise<Ended> {
    return this.start(words, env).ended;
  }

  /** Runs a command that must end with this exit code. @throws with all that it printed, when it does not. */
  async mlship(words: string[], exit = 0, env: Environment = {}): Promise<Ended> {
    const ended = await this.run(words, env);
    if (ended.code !== exit) {
      const how = `mlship ${words.join(" ")} ended with ${ended.code} instead of ${exit}`;
      throw new Error(`${how}\n${ended.stderr}\n${ended.stdout}`);
    }
    return ended;
  }

  /** The document that a command prints with --json. */
  async json<T>(words: string[], exit = 0, env: Environment = {}): Promise<T> {
    return JSON.parse((await this.mlship([...words, "--json"], exit, env)).stdout);
  }

  /** What serves, by `mlship status`. */
  status(): Promise<Status> {
    return this.json<Status>(["status"]);
  }

  /** `promote 1.0.0` and so on, oldest first. */
  async history(): Promise<string[]> {
    const { entries } = await this.json<{ entries: { action: string; version: string }[] }>(["history"]);
    return entries.toReversed().map(({ action, version }) => `${action} ${version}`);
  }

  /** The rollout's record as it is on disk now; null when there is none. */
  async record(): Promise<Record | null> {
    const name = this.file(".mlship/local/tumour-production/rollout.json");
    const text = await readFile(name, "utf8").catch(() => null);
    return text === null ? null : JSON.parse(text);
  }

  /** The gateway's process, by what it wrote for later commands. */
  async gateway(): Promise<{ pid: number }> {
    return JSON.parse(await readFile(this.file(".mlship/local/tumour-production/gateway.json"), "utf8"));
  }

  /** Asks for a prediction as a user does. */
  async predict(body: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const version = response.headers.get("x-mlship-version");
    const text = await response.text();
    return { status: response.status, version, text, body: JSON.parse(text) };
  }

  /** Which version answers a user now; null when nothing listens. */
  async serving(): Promise<string | null> {
    const [row = ""] = await userRows();
    const answer = await this.predict({ rows: [JSON.parse(row)] }).catch(() => null);
    return answer?.version ?? null;
  }

  /** Sends requests until the test stops it, at most for two minutes. */
  load(rows: string[], rate = 300): Load {
    const load = startLoad(this.port, rows, rate, 120);
    this.#loads.add(load);
    return load;
  }

  /** Stops what serves, ends what the test left running, and removes the folder. @throws when anything stays. */
  async close(): Promise<void> {
    const left: string[] = [];
    for (const load of this.#loads) await load.stop();
    for (const running of this.#running) {
      running.process.kill("SIGKILL");
      await running.ended;
    }
    if ((await readFile(this.file("mlship.yaml")).catch(() => null)) !== null) {
      const stopped = await this.run(["stop", "--yes"]);
      if (stopped.code !== 0) left.push(`stop ended with ${stopped.code}: ${stopped.stderr}`);
    }
    await eventually(
      "every process of the project has ended",
      async () => (await this.processes()).length === 0,
    ).catch(() => left.push("processes"));
    for (const { pid, line } of await this.processes()) {
      left.push(`${pid}: ${line}`);
      process.kill(pid, "SIGKILL");
    }
    if (!(await isFree(this.port))) left.push(`port ${this.port} is in use`);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) throw new Error(`left behind: ${left.join("\n")}`);
  }

  /** Processes that work in the project's folder or name it. */
  async processes(): Promise<{ pid: number; line: string }[]> {
    const found: { pid: number; line: string }[] = [];
    for (const name of await readdir("/proc")) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const line = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
      const cwd = await readlink(`/proc/${name}/cwd`).catch(() => "");
      if (line.includes(this.folder) || cwd.startsWith(this.folder)) found.push({ pid: Number(name), line });
    }
    return found;
  }

  async mkdir(name: string): Promise<string> {
    await mkdir(this.file(name), { recursive: true });
    return this.file(name);
  }
}

/** What `mlship status --json` says. */
export interface Status {
  stable: { version: string } | null;
  canary: { version: string } | null;
  share: number;
  expected: string | null;
  rollout: { version: string; phase: string } | null;
  driver: { pid: number; doing: string } | null;
}

/** What a user got. */
export interface Answer {
  status: number;
  version: string | null;
  text: string;
  body: { predictions: unknown[]; probabilities?: number[][] | null };
}

/** Waits until something is so. @throws when it is not after `seconds`, saying what was waited for. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = 30,
  pause = 20,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`did not happen within ${seconds} s: ${what}`);
    await sleep(pause);
  }
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  const free = await listening;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
