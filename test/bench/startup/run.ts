// What `mlship --help` costs above an empty script on the same Node, in CPU time: node test/bench/startup/run.ts
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const rounds = 25;
const folder = mkdtempSync(path.join(tmpdir(), "mlship-bench-"));
const empty = path.join(folder, "empty.js");
writeFileSync(empty, "");
const binary = path.resolve(import.meta.dirname, "..", "..", "..", "bin", "mlship.js");

/** CPU milliseconds, user and system, of one run as the kernel accounts for it. */
function cpuOf(args: string[]): number {
  // bash accounts for a finished child to the millisecond.
  const timed = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null';
  const { stderr, status } = spawnSync("bash", ["-c", timed, "bash", process.execPath, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
  const [user, system] = (stderr.trim().split("\n").at(-1) ?? "").split(" ");
  return (Number(user) + Number(system)) * 1000;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const cases: Record<string, string[]> = {
  "empty script": [empty],
  "mlship --version": [binary, "--version"],
  "mlship --help": [binary, "--help"],
  "mlship deploy --help": [binary, "deploy", "--help"],
};
const measured = Object.fromEntries(Object.keys(cases).map((name) => [name, [] as number[]]));
// The first round fills the compile cache and is not counted.
for (let round = 0; round <= rounds; round++) {
  for (const [name, args] of Object.entries(cases)) {
    const cpu = cpuOf(args);
    if (round > 0) measured[name]?.push(cpu);
  }
}
rmSync(folder, { recursive: true });
const floor = median(measured["empty script"] ?? []);
console.log(`Node ${process.version}, ${rounds} interleaved rounds, CPU time, medians`);
for (const [name, values] of Object.entries(measured)) {
  const cpu = median(values);
  console.log(
    `${name.padEnd(22)} ${cpu.toFixed(0).padStart(5)} ms  ${(cpu - floor).toFixed(0).padStart(4)} ms above empty  ×${(cpu / floor).toFixed(2)}`,
  );
}
