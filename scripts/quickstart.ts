// The story that `npm run quickstart` tells: four versions of one model, from file to traffic and back.
// Everything it says is checked; the first thing that differs ends it with exit code 1.
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { styleText } from "node:util";
import { startLoad } from "./load.ts";

const repository = path.resolve(import.meta.dirname, "..");
const fixture = path.join(repository, "fixtures", "breast-cancer");
const binary = path.join(repository, "bin", "mlship.js");
const folder = await realpath(await mkdtemp(path.join(tmpdir(), "mlship-quickstart-")));
const port = await freePort();
const begun = performance.now();

const environment = {
  ...process.env,
  MLSHIP_SERVE_PORT: String(port),
  // A real rollout looks for a minute at each step; this one only as long as the evidence needs.
  MLSHIP_DEPLOY_CANARY_INTERVAL: "2s",
  MLSHIP_DEPLOY_CANARY_BAKE: "2s",
};

const say = (text: string) => console.log(`\n${styleText("bold", text)}`);

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected: ${what}`);
  console.log(`${styleText("green", "✓")} ${what}`);
}

/** Runs the real binary in the project's folder, shows what it prints, and checks how it ends. */
async function mlship(words: string[], expected: number): Promise<string> {
  console.log(`\n${styleText("cyan", `$ mlship ${words.join(" ")}`)}`);
  const { code, stdout } = await execute(words, true);
  if (code !== expected)
    throw new Error(`mlship ${words.join(" ")} ended with ${code}, expected ${expected}`);
  return stdout;
}

/** What `--json` prints, as far as the story reads it. */
interface Document {
  verdict?: string;
  metrics?: { name: string; value: number }[];
  stable?: { version: string } | null;
  canary?: object | null;
  entries?: { action: string; version: string }[];
}

async function json(words: string[]): Promise<Document> {
  const { code, stdout } = await execute([...words, "--json"], false);
  if (code !== 0) throw new Error(`mlship ${words.join(" ")} --json ended with ${code}`);
  return JSON.parse(stdout);
}

function execute(words: string[], show: boolean): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [binary, ...words], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (show) process.stdout.write(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => process.stdout.write(text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout }));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function predict(row: string) {
  const url = `http://127.0.0.1:${port}/predict`;
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: `{"rows":[${row}]}` });
  return {
    version: answer.headers.get("x-mlship-version"),
    status: answer.status,
    body: await answer.text(),
  };
}

/** A data scientist hands over another model file under a new version. */
async function handOver(version: string): Promise<void> {
  await copyFile(path.join(fixture, "models", version, "model.joblib"), path.join(folder, "model.joblib"));
  const file = path.join(folder, "mlship.yaml");
  const text = await readFile(file, "utf8").catch(() => null);
  if (text !== null) await writeFile(file, text.replace(/^version: .*$/m, `version: ${version}`));
}

/** Someone writes one more gate into mlship.yaml. */
async function addGate(line: string): Promise<void> {
  const file = path.join(folder, "mlship.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^ {2}gates:$/m, `  gates:\n    ${line}`));
}

async function story(): Promise<void> {
  const rows = (await readFile(path.join(fixture, "live.jsonl"), "utf8")).trim().split("\n");
  const [first = ""] = rows;

  say("1. A new project: a model file and a table of labelled rows, nothing else.");
  await handOver("1.0.0");
  await copyFile(path.join(fixture, "test_data.csv"), path.join(folder, "test_data.csv"));

  say("2. mlship finds out what they are, proposes gates, and judges the model.");
  await mlship(["init", "--name", "tumour"], 0);
  await mlship(["validate"], 0);
  const report = await json(["validate"]);
  check(report.verdict === "pass", "the report's verdict is pass");
  const accuracy = report.metrics?.find(({ name }) => name === "accuracy")?.value ?? 0;
  check(
    Math.abs(accuracy - 0.9323) < 0.0001,
    `its accuracy is ${accuracy.toFixed(4)}, as when it was trained`,
  );

  say("3. The first release: stored, started, checked with labelled rows, serving.");
  await mlship(["deploy"], 0);
  const answer = await predict(first);
  console.log(`\n$ curl -d '{"rows":[${first}]}' http://127.0.0.1:${port}/predict\n${answer.body}`);
  check(answer.status === 200 && answer.version === "1.0.0", "a prediction came from version 1.0.0");

  say("4. A better version, while users send requests. A new gate compares it with what serves now.");
  await handOver("1.1.0");
  await addGate("logLoss: { maxDrop: 0.05 } # no worse than the version in production, on the same rows");
  const better = startLoad(port, rows, 400, 120);
  await mlship(["deploy"], 0);
  const during = await better.stop();
  const share = [...during.versions].map(([version, count]) => `${count} by ${version}`).join(", ");
  check(
    during.failed === 0 && during.answered > 1000,
    `${during.answered} requests answered meanwhile (${share}), none failed`,
  );
  check((await predict(first)).version === "1.1.0", "version 1.1.0 serves now");

  say("5. A version that is worse on the test data.");
  await handOver("1.2.0");
  await mlship(["deploy"], 3);
  const refused = await json(["status"]);
  check(refused.stable?.version === "1.1.0" && refused.canary === null, "nothing was started, 1.1.0 serves");

  say("6. A version that passes every gate, and fails on rows that only users send.");
  await handOver("1.3.0");
  const worse = startLoad(port, rows, 400, 120);
  await mlship(["deploy"], 3);
  const bad = await worse.stop();
  check(
    bad.failed === 0,
    `${bad.answered} requests answered meanwhile, none failed; ${bad.rescued} that the canary failed were answered by 1.1.0`,
  );
  check(bad.rescued >= 3, "the canary did fail requests");
  check((await predict(first)).version === "1.1.0", "version 1.1.0 serves everything again");

  say("7. Back to the version before, and what happened.");
  await mlship(["rollback"], 0);
  check((await predict(first)).version === "1.0.0", "version 1.0.0 serves");
  await mlship(["status"], 0);
  await mlship(["history"], 0);
  const history = await json(["history"]);
  const told = (history.entries ?? [])
    .toReversed()
    .map((entry: { action: string; version: string }) => `${entry.action} ${entry.version}`);
  const expected = "promote 1.0.0, promote 1.1.0, refuse 1.2.0, take-back 1.3.0, rollback 1.0.0";
  check(told.join(", ") === expected, `the ledger says: ${expected}`);
}

let failure: Error | null = null;
try {
  await story();
} catch (error) {
  failure = error instanceof Error ? error : new Error(String(error));
}
say("Nothing stays behind.");
const stopped = await execute(["stop", "--yes"], true);
const gone = await predict("{}").then(
  () => false,
  () => true,
);
await rm(folder, { recursive: true, force: true });
if (failure) {
  console.error(`\n${styleText("red", "✖")} ${failure.message}`);
  process.exit(1);
}
check(stopped.code === 0 && gone, "the servers are stopped and the project's folder is removed");
say(`Done in ${((performance.now() - begun) / 1000).toFixed(0)} s.`);
