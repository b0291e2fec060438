// A machine where 1.0.0 serves and a better 1.1.0 lies ready to be deployed.
import { Machine } from "./fake-host.ts";
import { boosters, boosterText, configText, features, makeProject, write } from "./project.ts";

/** A data scientist hands over another model under a new version. */
export function handOver(machine: Machine, version: string, booster: keyof typeof boosters, more = ""): void {
  write(machine.folder, {
    "model.json": boosterText({ features, weights: boosters[booster] }),
    "mlship.yaml": configText(version, more),
  });
}

async function deployFirst(): Promise<Machine> {
  const machine = new Machine(makeProject());
  const { exit, stderr } = await machine.run("deploy");
  if (exit !== 0) throw new Error(`the first deploy ended with ${exit}: ${stderr}`);
  return machine;
}

let first: Promise<Machine> | null = null;

/** A fresh one each time; the first deploy is done once. */
export async function serving(): Promise<Machine> {
  first ??= deployFirst();
  const machine = (await first).twin();
  handOver(machine, "1.1.0", "better");
  return machine;
}
