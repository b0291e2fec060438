// What the end-to-end tests stand on: the built binary and the engines of the testbed, found before the first test.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";

const testbed = path.join(import.meta.dirname, "testbed", "testbed");
const binary = path.resolve(import.meta.dirname, "../../dist/main.js");

const engines = [
  "DOCKER_HOST",
  "BUILDX_BUILDER",
  "MLSHIP_TEST_REGISTRY",
  "MLSHIP_TEST_S3",
  "MLSHIP_TEST_S3_MINIO",
  "MLSHIP_TEST_S3_UNSAFE",
  "MLSHIP_TEST_GRYPE",
  "KUBECONFIG",
  "MLSHIP_TEST_GATEWAY",
];
const judges = ["hadolint", "checkov", "kubeconform", "kube-score", "cosign"];

/** Points this run at the testbed's engines. @throws when one of them is not up, saying how to start it */
export default function setup(): void {
  const found = variables(execFileSync(testbed, ["env"], { encoding: "utf8" }));
  const missing = [
    ...engines.filter((name) => !found.has(name)),
    ...judges.filter((name) => !isProgram(path.join(found.get("PATH")?.split(":")[0] ?? "", name))),
  ];
  if (missing.length > 0) throw new Error(`the testbed lacks ${missing.join(", ")}: npm run testbed`);
  if (!isFile(binary)) throw new Error("there is no dist/: npm run build");
  for (const [name, value] of found) process.env[name] = value;
}

/** The variables of `export NAME=value` lines; `$PATH` stands for this process's. */
function variables(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/^export (\w+)=(.*)$/gm))
    found.set(name, value.replace("$PATH", process.env["PATH"] ?? ""));
  return found;
}

const isFile = (file: string) => permits(file, constants.R_OK);
const isProgram = (file: string) => permits(file, constants.X_OK);

function permits(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
