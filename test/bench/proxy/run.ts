// Measures what the gateway costs: the same server asked directly and through it. `node test/bench/proxy/run.ts [rounds] [seconds]`.
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root, serverEnvironment } from "../../../scripts/server-environment.ts";
import { digestBytes } from "../../../src/digest.ts";
import type { Revision } from "../../../src/rollout/ports.ts";
import { LocalTarget } from "../../../src/targets/local/local-target.ts";
import { localDaemons, localProcesses } from "../../../src/tools/launch.ts";
import { freePort, holder, writePython } from "../../local/gateway/harness.ts";

const bench = join(root, "test/bench/server");
const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 4);
const connections = 32;
/** Linux counts process time in hundredths of a second. */
const tickMicroseconds = 10_000;

interface Sample {
  rate: number;
  p50: number;
  p99: number;
  /** CPU-µs of the gateway's own process per request. */
  cpu: number;
  failed: number;
}

async function main(): Promise<void> {
  if (spawnSync("wrk", ["-v"]).error !== undefined) {
    throw new Error("wrk is not installed: `apt install wrk` (or brew install wrk), then run this again");
  }
  const environment = await serverEnvironment([join(root, "templates/server/tests/requirements.txt")]);
  const folder = await mkdtemp(join(tmpdir(), "mlship-bench-"));
  const trained = spawnSync(environment, [join(bench, "models.py"), folder], { encoding: "utf8" });
  if (trained.status !== 0) throw new Error(`the model could not be trained:\n${trained.stderr}`);
  const python = writePython(folder, environment);
  const port = await freePort();
  const target = new LocalTarget(
    {
      name: "bench",
      channel: "production",
      stateFolder: folder,
      port,
      replicas: 1,
      timeoutMs: 5_000,
      materials: {
        materialise: async (release) => ({
          bundleFolder: join(folder, release === stable.release ? "sklearn" : "onnx"),
          python,
          logLabel: "bench",
        }),
      },
    },
    localProcesses(),
    localDaemons(process.execPath, join(root, "src/gateway.ts"), process.env),
  );
  try {
    await target.lock.acquire(holder("the bench"));
    for (const revision of [stable, canary]) {
      await target.fleet.start(revision);
      await target.fleet.ready(revision, 60_000);
      if (revision === stable) await target.fleet.promote(revision);
    }
    const status = await target.status();
    const direct = status!.crews.find(({ revision }) => revision.id === stable.id)!.ports[0]!;
    const ways: Record<string, () => Promise<Sample>> = {
      "server, asked directly": () => load(direct, status!.pid, folder),
      "through the gateway": () => load(port, status!.pid, folder),
      "with a canary at 25 %": async () => {
        await target.traffic.set(canary, 0.25);
        const sample = await load(port, status!.pid, folder);
        await target.traffic.set(canary, 0);
        return sample;
      },
    };
    const samples = new Map(Object.keys(ways).map((name) => [name, [] as Sample[]]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, measure] of Object.entries(ways)) {
        const sample = await measure();
        // The first round warms up.
        if (round === 0) continue;
        samples.get(name)!.push(sample);
        console.log(`round ${round}  ${line(name, sample)}`);
      }
    }
    report(samples);
  } finally {
    await target.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const stable = makeRevision("1.0.0");
const canary = makeRevision("1.1.0");

function makeRevision(version: string): Revision {
  return { id: `bench-${version.replaceAll(".", "-")}`, version, release: digestBytes(version) };
}

async function load(port: number, gateway: number, folder: string): Promise<Sample> {
  const script = join(bench, "post.lua");
  const args = ["-t1", `-c${connections}`, `-d${seconds}`, "--latency", "-s", script];
  const before = await cpuMicroseconds(gateway);
  const { stdout } = await promisify(execFile)("wrk", [
    ...args,
    `http://127.0.0.1:${port}/predict`,
    "--",
    join(folder, "columns.json"),
  ]);
  const spent = (await cpuMicroseconds(gateway)) - before;
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: milliseconds(/^ +50% +(\S+)/m.exec(stdout)?.[1]),
    p99: milliseconds(/^ +99% +(\S+)/m.exec(stdout)?.[1]),
    cpu: spent / Number(/(\d+) requests in/.exec(stdout)?.[1]),
    failed: (errors?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0) + refused,
  };
}

function milliseconds(text: string | undefined): number {
  const parts = /^([\d.]+)(us|ms|s)$/.exec(text ?? "");
  const factor = { us: 0.001, ms: 1, s: 1000 }[parts?.[2] ?? ""] ?? Number.NaN;
  return Number(parts?.[1]) * factor;
}

/** User and system time of one process. */
async function cpuMicroseconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMicroseconds;
}

function line(name: string, { rate, p50, p99, cpu, failed }: Sample): string {
  return [
    name.padEnd(24),
    `${rate.toFixed(0).padStart(6)} req/s`,
    `p50 ${p50.toFixed(1).padStart(5)} ms`,
    `p99 ${p99.toFixed(1).padStart(5)} ms`,
    `${cpu.toFixed(0).padStart(4)} CPU-µs/request in the gateway`,
    `${failed} failed`,
  ].join("  ");
}

function report(samples: Map<string, Sample[]>): void {
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  console.log(
    `\nmedians of ${rounds} interleaved rounds of ${seconds} s, ${connections} connections, 1 server per revision`,
  );
  const medians = [...samples].map(([name, taken]) => {
    const of = (key: keyof Sample) => median(taken.map((sample) => sample[key]));
    const failed = taken.reduce((sum, sample) => sum + sample.failed, 0);
    return { name, rate: of("rate"), p50: of("p50"), p99: of("p99"), cpu: of("cpu"), failed };
  });
  for (const { name, ...sample } of medians) console.log(line(name, sample));
  const [direct, ...proxied] = medians;
  const ratio = (name: string, key: "rate" | "p99") =>
    median(samples.get(name)!.map((sample, round) => sample[key] / samples.get(direct!.name)![round]![key]));
  console.log("medians of the ratios within each round:");
  for (const { name } of proxied) {
    const [rate, p99] = [ratio(name, "rate").toFixed(2), ratio(name, "p99").toFixed(2)];
    console.log(`${name}: ${rate} x the req/s of the server asked directly, ${p99} x its p99`);
  }
}

await main();
