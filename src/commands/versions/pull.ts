// `mlship versions pull`: a released version as a folder: model, report and lock, each checked against its digest.
import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fetchNamed } from "../../artifacts/channels.ts";
import { fetchBlob, materialise } from "../../artifacts/fetch.ts";
import type { ObjectStore } from "../../artifacts/ports.ts";
import type { Blob, Release } from "../../artifacts/release.ts";
import { MlshipError } from "../../errors.ts";
import { showBytes } from "../../validation/show.ts";
import type { Host } from "../host.ts";
import { bytePace } from "../pace.ts";
import { openProject } from "../project.ts";
import type { ProjectOptions, Result, ResultDocument } from "../result.ts";
import { inStep } from "../step.ts";

/** Which version, and where to. */
export interface PullOptions {
  /** `1.4.0` or `production`. */
  version: string;
  /** NAME-VERSION by default. */
  output: string | undefined;
}

/** mlship.pull/v1 */
export interface PullDocument extends ResultDocument {
  schema: "mlship.pull/v1";
  name: string;
  version: string;
  release: Release["digest"];
  /** Absolute. */
  folder: string;
  /** Files of the model. */
  files: number;
  /** Their bytes. */
  size: number;
}

/** Writes the version to a folder that appears whole or not at all. */
export async function pull(
  { version: typed, output }: PullOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<PullDocument>> {
  const { config } = await openProject(host, selection);
  const store = await host.store(config.artifacts);
  const release = await fetchNamed(store, config.name, typed);
  const { name, version, model } = release;
  const folder = path.resolve(host.cwd, output ?? `${name}-${version}`);
  await requireAbsent(folder);
  await inStep(host, `pull ${name} ${version}`, async (update) => {
    const beside = `${folder}.${randomUUID()}`;
    try {
      await mkdir(beside, { recursive: true });
      const onBytes = bytePace(update, host.clock, model.size);
      await materialise(store, release, path.join(beside, "bundle"), onBytes);
      await writeDocuments(store, release, beside);
      host.signal.throwIfAborted();
      await rename(beside, folder);
    } finally {
      await rm(beside, { recursive: true, force: true });
    }
    return { result: null, told: `${showBytes(model.size)} in ${folder}` };
  });
  const { digest } = release;
  const { length: files } = model.files;
  return {
    document: { schema: "mlship.pull/v1", name, version, release: digest, folder, files, size: model.size },
    exit: "done",
  };
}

async function writeDocuments(store: ObjectStore, release: Release, folder: string): Promise<void> {
  const { report, python, golden } = release;
  const files: [name: string, blob: Blob | null][] = [
    ["report.json", report.file],
    ["requirements.txt", python.requirements],
    ["golden.json", golden],
  ];
  for (const [name, blob] of files)
    if (blob !== null) await writeFile(path.join(folder, name), await fetchBlob(store, blob));
  await writeFile(path.join(folder, "release.json"), `${JSON.stringify(release, null, 2)}\n`);
}

async function requireAbsent(folder: string): Promise<void> {
  if ((await lstat(folder).catch(() => null)) === null) return;
  throw new MlshipError({
    code: "pull.exists",
    what: `${folder} is there already`,
    fix: "name another folder with -o, or move that one away; nothing was written",
    exit: "usage",
  });
}
