// A BuildKit of the bench's own, so that emptying its cache disturbs nobody else's builds.
import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A builder that `docker buildx` knows by name. */
export interface Builder {
  readonly name: string;
  /** Forgets every layer, mount and image that it has. */
  empty(): Promise<void>;
  /** Builds a context into an OCI layout. @returns seconds */
  build(context: string, layout: string, more?: string[]): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts one with its state in `folder`. Needs root, buildkitd and runc on PATH.
 * @param through a command that runs the daemon: what it is given as arguments
 */
export async function openBuilder(folder: string, through: readonly string[] = []): Promise<Builder> {
  const name = `mlship-bench-${process.pid}`;
  const socket = `unix://${path.join(folder, "buildkit.sock")}`;
  const worker = ["--oci-worker-binary", await found("runc"), "--oci-worker-net", "host"];
  const own = ["buildkitd", "--root", path.join(folder, "root"), "--addr", socket, ...worker];
  const [command = "", ...words] = [...through, ...own];
  const daemon = spawn(command, words, { stdio: "ignore" });
  const ended = new Promise((resolve) => daemon.once("close", resolve));
  const answers = () => execute("buildctl", ["--addr", socket, "debug", "workers"]).then(...settled);
  for (let tries = 0; !(await answers()); tries++) {
    if (tries > 100 || daemon.exitCode !== null) throw new Error("the bench's BuildKit did not come up");
    await sleep(100);
  }
  const buildx = (...args: string[]) => execute("docker", ["buildx", ...args], { maxBuffer: 2 ** 26 });
  await buildx("create", "--name", name, "--driver", "remote", socket);
  return {
    name,
    async empty() {
      await buildx("prune", "--builder", name, "--all", "--force");
    },
    async build(context, layout, more = []) {
      const output = `type=oci,tar=false,dest=${layout}`;
      const begun = performance.now();
      const plain = ["--provenance=false", "--sbom=false", "--build-arg", "SOURCE_DATE_EPOCH=0"];
      await buildx("build", "--builder", name, "--output", output, ...plain, ...more, context);
      return (performance.now() - begun) / 1000;
    },
    async close() {
      await buildx("rm", "--force", name);
      daemon.kill();
      await ended;
    },
  };
}

const settled = [() => true, () => false] as const;

async function found(program: string): Promise<string> {
  return (await execute("which", [program])).stdout.trim();
}

/** Bytes, compressed, of all layers of the only image in an OCI layout. */
export async function sizeOf(layout: string): Promise<number> {
  const index = JSON.parse(await readFile(path.join(layout, "index.json"), "utf8"));
  const blob = (digest: string) => path.join(layout, "blobs", ...digest.split(":"));
  const manifest = JSON.parse(await readFile(blob(index.manifests[0].digest), "utf8"));
  return manifest.layers.reduce((sum: number, layer: { size: number }) => sum + layer.size, 0);
}
