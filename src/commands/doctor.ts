// `mlship doctor`: looks at everything that the project needs, and says how to mend what is wrong.
import path from "node:path";
import { configFile } from "../config/load.ts";
import { lookAt, type Check, type Finding } from "./doctor/check.ts";
import { clusterCheck } from "./doctor/cluster-check.ts";
import { fileChecks, machineChecks } from "./doctor/project-checks.ts";
import { lookAtStore } from "./doctor/store-checks.ts";
import type { Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { inStep } from "./step.ts";

/** mlship.doctor/v1 */
export interface DoctorDocument extends ResultDocument {
  schema: "mlship.doctor/v1";
  name: string;
  findings: Finding[];
}

/**
 * Looks at all of it, each thing whatever became of the others. Exit 5 when anything is missing or refused.
 * @throws MlshipError `config.*`, exit 2: what the project needs, mlship.yaml says
 */
export async function doctor(host: Host, selection: ProjectOptions): Promise<Result<DoctorDocument>> {
  const project = await openProject(host, selection);
  const findings = await inStep(host, "look", async () => {
    const result = await examine(project, host);
    const failed = result.filter(({ outcome }) => outcome === "fail").length;
    return { result, told: `${result.length} checks, ${failed} failed` };
  });
  const isWell = findings.every(({ outcome }) => outcome !== "fail");
  return {
    document: { schema: "mlship.doctor/v1", name: project.config.name, findings },
    exit: isWell ? "done" : "unavailable",
  };
}

async function examine(project: Project, host: Host): Promise<Finding[]> {
  const checks = [
    configCheck(project),
    ...fileChecks(project),
    ...machineChecks(project, host),
    ...(project.config.deploy.target === "kubernetes" ? [clusterCheck(project, host)] : []),
  ];
  const findings = await Promise.all([
    ...checks.map(async (check) => [await lookAt(check)]),
    lookAtStore(project, host),
  ]);
  return findings.flat();
}

/** Says what was read: the others are about that. */
function configCheck({ config, channel }: Project): Check {
  const { name, version, deploy, folder } = config;
  const found = `${name} ${version} in ${path.basename(folder)}, channel ${channel}, target ${deploy.target}`;
  return { name: configFile, look: () => Promise.resolve({ found }) };
}
