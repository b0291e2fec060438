// `mlship doctor`: looks at everything that the project needs, and says how to mend what is wrong.
import path from "node:path";
import { configFile } from "../config/load.ts";
import { clusterCheck } from "./doctor/cluster-check.ts";
import { lookAt, type Finding } from "./doctor/check.ts";
import { fileChecks, machineChecks } from "./doctor/project-checks.ts";
import { lookAtStore } from "./doctor/store-checks.ts";
import type { Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { inStep } from "./step.ts";

/** mlship.doctor/v1 */
export interface DoctorDocument extends ResultDocument {
  schema: "mlship.doctor/v1";
  /** Null when mlship.yaml cannot be read: then nothing else is looked at. */
  name: string | null;
  findings: Finding[];
}

/** Looks at all of it, each thing whatever became of the others. Exit 5 when anything is missing or refused. */
export async function doctor(host: Host, selection: ProjectOptions): Promise<Result<DoctorDocument>> {
  const { name, findings } = await inStep(host, "look", async () => {
    const result = await examine(host, selection);
    const failed = result.findings.filter(({ outcome }) => outcome === "fail").length;
    return { result, told: `${result.findings.length} checks, ${failed} failed` };
  });
  const isWell = findings.every(({ outcome }) => outcome !== "fail");
  return {
    document: { schema: "mlship.doctor/v1", name, findings },
    exit: isWell ? "done" : "unavailable",
  };
}

async function examine(host: Host, selection: ProjectOptions): Promise<Omit<DoctorDocument, "schema">> {
  const opening = openProject(host, selection);
  const file = await lookAt({
    name: configFile,
    look: async () => ({ found: describe(await opening) }),
  });
  if (file.outcome === "fail") return { name: null, findings: [file] };
  const project = await opening;
  const { deploy, name } = project.config;
  const checks = [
    ...fileChecks(project),
    ...machineChecks(project, host),
    ...(deploy.target === "kubernetes" ? [clusterCheck(project, host)] : []),
  ];
  const findings = await Promise.all([
    ...checks.map(async (check) => [await lookAt(check)]),
    lookAtStore(project, host),
  ]);
  return { name, findings: [file, ...findings.flat()] };
}

function describe({ config, channel }: Project): string {
  const { name, version, deploy, folder } = config;
  return `${name} ${version} in ${path.basename(folder)}, channel ${channel}, target ${deploy.target}`;
}
