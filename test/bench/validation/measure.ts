// Runs a program to its end and watches what it and all that it starts take.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface Run {
  /** Seconds from the start of the process to its end. */
  wall: number;
  /** Processor seconds, user and system, of the process and of all that it waited for. */
  cpu: number;
  /** The largest sum of the resident memory of all its processes, in bytes, looked at every 20 ms. */
  peak: number;
}

/** @throws Error with what the program said when it fails. */
export async function measure(command: string[], cwd: string): Promise<Run> {
  let peak = 0;
  // bash accounts for a finished child and its children to the millisecond.
  const timed = 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null';
  const run = new Promise<string>((done, fail) => {
    const child = execFile("bash", ["-c", timed, "bash", ...command], { cwd }, (error, _out, said) => {
      if (error) fail(new Error(`${command.join(" ")} failed:\n${said}`));
      else done(said);
    });
    const watch = async () => {
      while (child.exitCode === null && child.signalCode === null) {
        peak = Math.max(peak, await treeBytes(child.pid ?? 0));
        await sleep(20);
      }
    };
    watch().catch(fail);
  });
  const [wall, user, system] = ((await run).trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { wall: wall ?? 0, cpu: (user ?? 0) + (system ?? 0), peak };
}

/** Resident bytes of a process and its descendants; shared pages count in each. */
async function treeBytes(top: number): Promise<number> {
  const processes = await Promise.all(
    (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(readProcess),
  );
  const members = new Set([top]);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of processes) {
      if (members.has(parent) && !members.has(pid)) grown = Boolean(members.add(pid));
    }
  }
  return processes.reduce((sum, { pid, bytes }) => sum + (members.has(pid) ? bytes : 0), 0);
}

const pageBytes = 4096;

/** Of a process that has ended meanwhile there is nothing. */
async function readProcess(name: string): Promise<{ pid: number; parent: number; bytes: number }> {
  const text = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
  // The second field, a name in brackets, may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid: Number(name), parent: Number(fields[1] ?? 0), bytes: Number(fields[21] ?? 0) * pageBytes };
}
