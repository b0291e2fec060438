// What the builds of a project have on the Docker Engine now: containers, networks, volumes and images of a self-test.
import { execFile } from "node:child_process";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { digestBytes } from "../../../src/digest.ts";

const run = promisify(execFile);

/** One line each; empty when no build of the project goes on and none left anything. @param folder the project's */
export async function onEngine(folder: string): Promise<string[]> {
  const project = digestBytes(`${hostname()} ${folder}`).slice("sha256:".length, 19);
  const label = `--filter=label=dev.mlship.project=${project}`;
  const told = await Promise.all([
    run("docker", ["ps", "--all", "--format={{.Names}}", label]),
    run("docker", ["network", "ls", "--format={{.Name}}", label]),
    run("docker", ["volume", "ls", "--format={{.Name}}", label]),
    run("docker", ["images", "--format={{.Repository}}:{{.Tag}}", `mlship.invalid/self-test-${project}`]),
  ]);
  return told.flatMap(({ stdout }) => stdout.split("\n")).filter((line) => line !== "");
}
