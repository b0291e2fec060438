// Opens the target of a project: this machine, or a cluster.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fetchBlob, fetchLock, fetchRelease, fetchServerFile, materialise } from "../artifacts/fetch.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Release } from "../artifacts/release.ts";
import { MlshipError } from "../errors.ts";
import type { GoldenRows } from "../rollout/golden.ts";
import type { Target } from "../rollout/ports.ts";
import { compareGolden, goldenColumns, goldenSchema } from "../validation/golden.ts";
import type { Host } from "./host.ts";
import { makeState, type Project } from "./project.ts";

/**
 * The project's target, with its releases coming from the store.
 * @param doing the command: what is set right on a cluster is set right in its name
 */
export async function openTarget(
  project: Project,
  host: Host,
  store: ObjectStore,
  doing: string,
): Promise<Target> {
  if (project.config.deploy.target === "local") return await openLocalTarget(project, host, store);
  const { openClusterTarget } = await import("./cluster-target.ts");
  return await openClusterTarget(project, host, store, doing);
}

async function openLocalTarget(project: Project, host: Host, store: ObjectStore): Promise<Target> {
  const { config, channel } = project;
  const state = await makeState(project);
  return await host.target({
    name: config.name,
    channel,
    stateFolder: state,
    port: config.serve.port,
    replicas: config.deploy.replicas.min ?? 1,
    timeoutMs: config.serve.timeoutMs,
    materials: {
      async materialise(digest) {
        const release = await fetchRelease(store, digest);
        const bundles = path.join(state, "bundles");
        await mkdir(bundles, { recursive: true });
        const bundleFolder = path.join(bundles, digest.slice("sha256:".length));
        await materialise(store, release, bundleFolder);
        const environments = await host.environments(path.join(state, "locks"));
        const lock = await fetchLock(store, release);
        const { python } = await environments.prepare(lock, (file) => fetchServerFile(store, release, file));
        return { bundleFolder, python };
      },
    },
  });
}

/** The golden rows of a release, with the comparison that belongs to them. */
export async function fetchGolden(store: ObjectStore, release: Release): Promise<GoldenRows> {
  if (release.golden === null) {
    throw new MlshipError({
      code: "release.no-golden",
      what: `release ${release.version} has no golden rows to check a running server with`,
      why: "its answers were not finite numbers or labels when it was validated",
      fix: "correct the model, raise the version and deploy again",
      exit: "gate",
    });
  }
  const text = Buffer.from(await fetchBlob(store, release.golden)).toString("utf8");
  const golden = goldenSchema.parse(JSON.parse(text));
  return { columns: goldenColumns(golden), compare: (answers) => compareGolden(golden, answers) };
}
