// A BuildKit of a test's own, which may be killed, filled and forgotten: in namespaces of its own, so that nothing stays.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { eventually } from "../project.ts";

const run = promisify(execFile);

export interface OwnBuildKit {
  /** As `docker buildx` knows it: for BUILDX_BUILDER. */
  name: string;
  /** Ends it as a crash does, with all that it runs. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

let started = 0;

/** Starts one without a cache. @param size of the disk that it keeps its data on, as tmpfs takes it; null: no limit */
export async function startBuildKit(size: string | null = null): Promise<OwnBuildKit> {
  started += 1;
  const name = `mlship-test-${process.pid}-${started}`;
  const folder = await mkdtemp(path.join(tmpdir(), "mlship-buildkit-"));
  const socket = `unix://${path.join(folder, "buildkit.sock")}`;
  const root = path.join(folder, "root");
  const runc = (await run("which", ["runc"])).stdout.trim();
  const script =
    'mkdir "$1"; if [ -n "$2" ]; then mount -t tmpfs -o "size=$2" tmpfs "$1"; fi; root=$1; shift 2; exec buildkitd --root "$root" "$@"';
  const worker = ["--addr", socket, "--oci-worker-binary", runc, "--oci-worker-net", "host"];
  // What the first process of a process namespace starts ends with it, and a mount is seen in its namespace only.
  const apart = [
    "--mount",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
    "sh",
    "-ec",
    script,
    "sh",
  ];
  const daemon = spawn("unshare", [...apart, root, size ?? "", ...worker], { stdio: "ignore" });
  const ended = new Promise((resolve) => daemon.once("close", resolve));
  await eventually("BuildKit answers", () =>
    run("buildctl", ["--addr", socket, "debug", "workers"]).then(
      () => true,
      () => false,
    ),
  );
  await run("docker", ["buildx", "create", "--name", name, "--driver", "remote", socket]);
  const kill = async () => {
    daemon.kill("SIGKILL");
    await ended;
  };
  return {
    name,
    kill,
    async close() {
      await kill();
      await run("docker", ["buildx", "rm", "--force", name]);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
