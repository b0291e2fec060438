// Measures the server against the documented FastAPI design: `node test/bench/server/run.ts [rounds] [seconds]`.
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root, serverEnvironment, serverFolder } from "../../../scripts/server-environment.ts";

const here = import.meta.dirname;
const connections = 32;
const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 4);

/** Linux counts process time in hundredths of a second. */
const tickMicroseconds = 10_000;

interface Contender {
  name: string;
  body: string;
  port: number;
  process: ChildProcess;
}

interface Sample {
  rate: number;
  p50: number;
  p99: number;
  /** CPU-µs of the server's processes per request. */
  cpu: number;
  failed: number;
}

async function main(): Promise<void> {
  if (spawnSync("wrk", ["-v"]).error !== undefined) {
    throw new Error("wrk is not installed: `apt install wrk` (or brew install wrk), then run this again");
  }
  const python = await serverEnvironment([
    join(root, "templates/server/tests/requirements.txt"),
    join(here, "requirements.txt"),
  ]);
  const folder = await mkdtemp(join(tmpdir(), "mlship-bench-"));
  const contenders: Contender[] = [];
  try {
    const trained = spawnSync(python, [join(here, "models.py"), folder], { encoding: "utf8" });
    if (trained.status !== 0) throw new Error(`the model could not be trained:\n${trained.stderr}`);
    contenders.push(await startPeer(python, folder));
    for (const format of ["sklearn", "onnx"]) contenders.push(await startServer(python, folder, format));
    const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
    for (const contender of contenders) await load(contender, folder, 1);
    for (let round = 1; round <= rounds; round++) {
      for (const contender of contenders) {
        const sample = await load(contender, folder, seconds);
        samples.get(contender.name)?.push(sample);
        console.log(`round ${round}  ${line(contender.name, sample)}`);
      }
    }
    report(samples);
  } finally {
    for (const contender of contenders) contender.process.kill("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  }
}

async function startPeer(python: string, folder: string): Promise<Contender> {
  const port = await freePort();
  const args = ["-m", "uvicorn", "peer:app", "--app-dir", here, "--workers", "2", "--no-access-log"];
  const env = { ...process.env, PEER_MODEL: join(folder, "sklearn/model.joblib"), OMP_NUM_THREADS: "1" };
  const child = spawn(python, [...args, "--log-level", "error", "--port", String(port)], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return await ready({ name: "FastAPI, joblib", body: "instances.json", port, process: child });
}

async function startServer(python: string, folder: string, format: string): Promise<Contender> {
  const port = await freePort();
  const args = [
    "-m",
    "mlship_server",
    "serve",
    join(folder, format),
    "--workers",
    "2",
    "--port",
    String(port),
  ];
  const child = spawn(python, args, {
    env: { ...process.env, PYTHONPATH: serverFolder },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const name = `mlship, ${format === "sklearn" ? "joblib" : format}`;
  return await ready({ name, body: "columns.json", port, process: child });
}

/** Ready and answering both of its workers' first requests. */
async function ready(contender: Contender): Promise<Contender> {
  for (let tries = 0; tries < 600; tries++) {
    const response = await fetch(`http://127.0.0.1:${contender.port}/health/ready`).catch(() => null);
    if (response?.ok === true) return contender;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  contender.process.kill();
  throw new Error(`${contender.name} did not start within a minute`);
}

async function load(contender: Contender, folder: string, duration: number): Promise<Sample> {
  const url = `http://127.0.0.1:${contender.port}/predict`;
  const args = ["-t1", `-c${connections}`, `-d${duration}`, "--latency", "-s", join(here, "post.lua"), url];
  const before = await cpuMicroseconds(contender.process.pid!);
  const { stdout } = await run("wrk", [...args, "--", join(folder, contender.body)]);
  const spent = (await cpuMicroseconds(contender.process.pid!)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: milliseconds(/^\s+50%\s+(\S+)/m.exec(stdout)?.[1]),
    p99: milliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1]),
    cpu: spent / requests,
    failed: (errors?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0) + refused,
  };
}

async function run(program: string, args: string[]): Promise<{ stdout: string }> {
  const { execFile } = await import("node:child_process");
  return await promisify(execFile)(program, args);
}

function milliseconds(text: string | undefined): number {
  const parts = /^([\d.]+)(us|ms|s)$/.exec(text ?? "");
  const factor = { us: 0.001, ms: 1, s: 1000 }[parts?.[2] ?? ""] ?? Number.NaN;
  return Number(parts?.[1]) * factor;
}

/** User and system time of a process and of those it started. */
async function cpuMicroseconds(pid: number): Promise<number> {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The second field is the program's name in parentheses, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    processes.set(Number(name), {
      parent: Number(fields[1]),
      ticks: Number(fields[11]) + Number(fields[12]),
    });
  }
  const belongs = (id: number): boolean => {
    const parent = processes.get(id)?.parent;
    return id === pid || (parent !== undefined && parent !== 0 && belongs(parent));
  };
  let ticks = 0;
  for (const [id, entry] of processes) if (belongs(id)) ticks += entry.ticks;
  return ticks * tickMicroseconds;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function line(name: string, sample: Sample): string {
  const cells = [
    `${sample.rate.toFixed(0).padStart(6)} req/s`,
    `p50 ${sample.p50.toFixed(1).padStart(6)} ms`,
    `p99 ${sample.p99.toFixed(1).padStart(6)} ms`,
    `${sample.cpu.toFixed(0).padStart(5)} CPU-µs/request`,
    `${sample.failed} failed`,
  ];
  return `${name.padEnd(16)} ${cells.join("  ")}`;
}

function report(samples: Map<string, Sample[]>): void {
  const [peer, ...ours] = [...samples];
  console.log(
    `\nmedians of ${rounds} interleaved rounds of ${seconds} s, ${connections} connections, one row per request`,
  );
  for (const [name, taken] of samples) {
    const of = (key: keyof Sample): number => median(taken.map((sample) => sample[key]));
    const failed = taken.reduce((sum, sample) => sum + sample.failed, 0);
    console.log(line(name, { rate: of("rate"), p50: of("p50"), p99: of("p99"), cpu: of("cpu"), failed }));
  }
  for (const [name, taken] of ours) {
    const ratios = (key: "rate" | "cpu"): number[] =>
      taken.map((sample, round) => sample[key] / peer![1][round]![key]);
    const rates = ratios("rate");
    const spread = `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}`;
    const cpu = (1 / median(ratios("cpu"))).toFixed(1);
    console.log(
      `${name}: ${median(rates).toFixed(1)} x ${peer![0]} in req/s (rounds: ${spread}), CPU per request 1/${cpu}`,
    );
  }
}

await main();
