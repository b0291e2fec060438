// Uploads over TLS to a server that discards: mlship beside lib-storage and aws-cli, in the same run.
//   node test/bench/s3/run.ts [rounds] [MiB]         one large file
//   node test/bench/s3/run.ts many [files] [KiB]     many small ones beside their bytes in one
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { digestBytes } from "../../../src/digest.ts";

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), "mlship-bench-s3-"));
const mebi = 2 ** 20;

/** Both clients as their users have them: bundled, without types. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: ["client", "lib-storage"].map((name) => join(here, `${name}.ts`)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22.13",
    banner: { js: "const require = (name) => process.getBuiltinModule(name);" },
    logLevel: "error",
  });
}

interface Figures {
  seconds: number;
  cpu: number;
  /** MB. */
  rss: number;
}

function makeFile(path: string, size: number): void {
  const hash = createHash("sha256");
  writeFileSync(path, "");
  for (let left = size; left > 0; left -= mebi) {
    const bytes = randomBytes(Math.min(left, mebi));
    hash.update(bytes);
    appendFileSync(path, bytes);
  }
  writeFileSync(`${path}.sha256`, `sha256:${hash.digest("hex")}`);
}

async function startServer() {
  const server = spawn(process.execPath, [join(here, "discard-server.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  const { port, cert } = JSON.parse(String(line)) as { port: number; cert: string };
  writeFileSync(join(folder, "ca.pem"), cert);
  return { endpoint: `https://127.0.0.1:${port}`, stop: () => server.kill() };
}

const environment = {
  PATH: process.env["PATH"],
  HOME: homedir(),
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "testsecret",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
  AWS_CA_BUNDLE: join(folder, "ca.pem"),
};

/** Runs a program to its end: clock, CPU and most memory of it and its children, as the system counts them. */
function measure(words: string[]): Figures {
  const program = [
    "import json,resource,subprocess,sys,time",
    "begun=time.monotonic()",
    "subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL)",
    "seconds=time.monotonic()-begun",
    "used=resource.getrusage(resource.RUSAGE_CHILDREN)",
    "print(json.dumps(dict(seconds=seconds,cpu=used.ru_utime+used.ru_stime,rss=used.ru_maxrss/1024)))",
  ].join("\n");
  const told = execFileSync("python3", ["-c", program, ...words], { env: environment, encoding: "utf8" });
  return JSON.parse(told) as Figures;
}

function middle(all: number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}

/** aws-cli in an environment of its own, kept in the cache; null when it cannot be had. */
function awsCli(): string | null {
  const place = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "mlship-bench", "awscli");
  const program = join(place, "bin", "aws");
  if (existsSync(program)) return program;
  try {
    mkdirSync(place, { recursive: true });
    execFileSync("python3", ["-m", "venv", place], { stdio: "ignore" });
    execFileSync(join(place, "bin", "pip"), ["install", "-q", "awscli"], { stdio: "ignore" });
    return program;
  } catch {
    return null;
  }
}

function print(name: string, figures: Figures[], megabytes: number): void {
  const seconds = middle(figures.map((one) => one.seconds));
  const cpu = middle(figures.map((one) => one.cpu));
  const rss = Math.max(...figures.map((one) => one.rss));
  const range = figures.map((one) => one.seconds.toFixed(2)).join(" ");
  console.log(
    `${name.padEnd(24)} ${seconds.toFixed(2)} s  ${(megabytes / seconds).toFixed(0)} MB/s  ${cpu.toFixed(2)} CPU-s  ${rss.toFixed(0)} MB  (${range})`,
  );
}

async function requestsOf(endpoint: string): Promise<string> {
  const program = `fetch("${endpoint}/requests").then((reply) => reply.text()).then(console.log)`;
  return execFileSync(process.execPath, ["-e", program], { env: environment, encoding: "utf8" }).trim();
}

async function large(rounds: number, size: number): Promise<void> {
  const file = join(folder, "model.bin");
  makeFile(file, size * mebi);
  const aws = awsCli();
  if (aws === null) console.log("aws-cli is left out: it could not be installed from PyPI");
  await bundle();
  const { endpoint, stop } = await startServer();
  const runs: Record<string, string[]> = {
    mlship: [process.execPath, join(folder, "client.mjs"), "mlship", endpoint, file],
    "lib-storage, defaults": [process.execPath, join(folder, "lib-storage.mjs"), endpoint, file],
    ...(aws !== null && {
      "aws-cli, defaults": [aws, "--endpoint-url", endpoint, "s3", "cp", "--quiet", file, "s3://bench/cli"],
    }),
  };
  const figures: Record<string, Figures[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, words] of Object.entries(runs)) {
      (figures[name] ??= []).push(measure(words));
      if (round === 0) console.log(`${name}: ${await requestsOf(endpoint)}`);
      else await requestsOf(endpoint);
    }
  }
  for (const [name, all] of Object.entries(figures)) print(name, all, (size * mebi) / 1e6);
  stop();
}

async function many(files: number, kibibytes: number): Promise<void> {
  const [names, whole] = [join(folder, "many"), join(folder, "one.bin")];
  mkdirSync(names);
  const size = kibibytes * 1024;
  const digests: Record<string, string> = {};
  for (let index = 0; index < files; index += 1) {
    const bytes = randomBytes(size);
    writeFileSync(join(names, `f${index}`), bytes);
    digests[`f${index}`] = digestBytes(bytes);
  }
  writeFileSync(`${names}.json`, JSON.stringify(digests));
  makeFile(whole, files * size);
  await bundle();
  const { endpoint, stop } = await startServer();
  const client = (name: string, ...rest: string[]) => [
    process.execPath,
    join(folder, "client.mjs"),
    name,
    endpoint,
    ...rest,
  ];
  const runs = {
    "mlship, one file": client("mlship", whole),
    [`mlship, ${files} files`]: client("mlship", names, "many"),
    [`bare PUT, ${files} files`]: client("bare", names, "many"),
  };
  const figures: Record<string, Figures[]> = {};
  for (let round = 0; round < 3; round += 1) {
    for (const [name, words] of Object.entries(runs)) {
      (figures[name] ??= []).push(measure(words));
      await requestsOf(endpoint);
    }
  }
  for (const [name, all] of Object.entries(figures)) print(name, all, (files * size) / 1e6);
  stop();
}

try {
  const [first, second, third] = process.argv.slice(2);
  if (first === "many") await many(Number(second ?? 10_000), Number(third ?? 100));
  else await large(Number(first ?? 5), Number(second ?? 1024));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
