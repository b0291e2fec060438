// From a judged model to what a builder gets: the build plan and the files of its context.
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { digestBytes } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { indexSecrets } from "../image/plan/build-secrets.ts";
import { imageConfig } from "../image/plan/config.ts";
import { contextFiles, type ContextFile } from "../image/plan/context.ts";
import { renderDockerfile } from "../image/plan/dockerfile.ts";
import { planLayers } from "../image/plan/layers.ts";
import type { ReadLock } from "../image/lock/lock.ts";
import { makePlan, type BuildPlan } from "../image/plan/plan.ts";
import { refuseSecrets } from "../image/plan/secrets.ts";
import type { Host } from "./host.ts";
import type { Judgement } from "./judge.ts";
import type { Project } from "./project.ts";

/** What is built, before it is written anywhere. */
export interface Planned {
  plan: BuildPlan;
  /** Files of the context; those with `from` are copies of staged files. */
  files: ContextFile[];
}

/**
 * Plans the image of a judged model.
 * @param lock the project's lock, which has not drifted
 * @throws MlshipError `image.secret`, `image.unprintable`, `image.bad-template`, `image.template-missing`; exit 2.
 */
export async function planImage(
  project: Project,
  host: Host,
  { candidate, bundle, report }: Judgement,
  read: ReadLock,
): Promise<Planned> {
  const { config } = project;
  const { lock } = read;
  const templates = path.join(host.templates, "image");
  const script = (name: string) => readFile(path.join(templates, name), "utf8");
  const server = await serverFiles(path.join(host.templates, "server"));
  const [assemble, install] = await Promise.all([script("assemble.py"), script("install.py")]);
  const loader = await readFile(
    path.join(host.templates, "server", "mlship_server", "loaders", `${bundle.format}.py`),
    "utf8",
  );

  const staged = candidate.model.files.map((file) => ({
    ...file,
    from: path.join(candidate.folder, file.path),
  }));
  const model = staged.filter((file) => file.path !== candidate.handler);
  const handler = staged.find((file) => file.path === candidate.handler) ?? null;
  await refuseSecrets(staged);
  const baked = config.image.delivery === "baked";
  const bundleText = `${JSON.stringify(bundle, null, 2)}\n`;
  const evidence = { model: candidate.model.digest, lock: read.digest, report: report.digest };
  const layers = planLayers({
    lock,
    assemble: assemble + install,
    loader: bundle.format,
    server,
    model: baked ? model.map(({ path: file, size, sha256 }) => ({ path: file, size, sha256 })) : [],
    runtime: [
      { path: "mlship.json", size: Buffer.byteLength(bundleText), sha256: digestBytes(bundleText) },
      ...(handler === null ? [] : [{ path: handler.path, size: handler.size, sha256: handler.sha256 }]),
    ],
  });
  const { name, version } = config;
  const image = imageConfig({
    name,
    version,
    timeoutMs: config.serve.timeoutMs,
    startTimeoutMs: config.deploy.canary.startTimeoutMs,
    baseName: lock.base.reference,
    baseDigest: lock.base.digest,
    evidence,
  });
  const dockerfile = renderDockerfile(await templateOf(project, templates), {
    name,
    version,
    base: `${lock.base.reference}@${lock.base.digest}`,
    config: image,
    secrets: indexSecrets,
    baked,
  });
  const commit = await host.commit(config.folder);
  const plan = makePlan({
    name,
    version,
    lock: read,
    layers,
    config: image,
    dockerfile: digestBytes(dockerfile),
    model: evidence.model,
    report: evidence.report,
    revision: commit === null ? null : `${commit.commit}${commit.dirty ? "-dirty" : ""}`,
    source: sourceIn(host.env),
  });
  const files = contextFiles({
    dockerfile,
    lock,
    scripts: { assemble, install, loader },
    server: server.map(({ path: file, from }) => ({ path: file, from })),
    model: baked ? model : [],
    bundle: bundleText,
    handler,
  });
  return { plan, files };
}

/** The server's sources, sorted, each with its digest and its absolute place. */
async function serverFiles(folder: string) {
  const entries = await readdir(path.join(folder, "mlship_server"), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".py"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
  return await Promise.all(
    files.map(async (from) => {
      const bytes = await readFile(from);
      const relative = path.relative(folder, from).split(path.sep).join("/");
      return { path: relative, size: bytes.length, sha256: digestBytes(bytes), from };
    }),
  );
}

async function templateOf({ config }: Project, templates: string): Promise<string> {
  const own = config.image.template;
  if (own === null) return await readFile(path.join(templates, "Dockerfile.eta"), "utf8");
  return await readFile(own, "utf8").catch((cause: unknown) => {
    throw new MlshipError({
      code: "image.template-missing",
      what: `the Dockerfile's template ${path.relative(config.folder, own)} cannot be read`,
      fix: "correct image.template in mlship.yaml, or write the template: mlship generate --eject",
      exit: "usage",
      cause,
    });
  });
}

/** Where a CI system says that the source is; null elsewhere. */
function sourceIn(env: Host["env"]): string | null {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, CI_PROJECT_URL: project } = env;
  const url = server && repository ? `${server}/${repository}` : project;
  return url !== undefined && /^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/[\w./-]+$/.test(url) ? url : null;
}
