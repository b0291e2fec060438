// Where an image is made before it is kept: a folder of its own per build, so that two builds do not meet.
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { digestBytes } from "../../digest.ts";
import { imagesFolder } from "../../image/build-record.ts";
import type { Engine, Owner } from "../../image/ports.ts";
import type { Host } from "../host.ts";
import { makeState, type Project } from "../project.ts";

/** A folder that a build works in, and the name by which its containers are known. */
export interface Workshop {
  folder: string;
  owner: Owner;
}

const prefix = ".building-";
const ownerSchema = z.object({ pid: z.int(), host: z.string() });
/** Milliseconds after which nobody of another machine still builds here. */
const abandonedAfter = 24 * 3600 * 1000;

/**
 * Gives `work` an empty folder beside the images, and removes it afterwards, whatever happens. What
 * killed builds of this project left, folders and containers, is removed first.
 */
export async function withWorkshop<T>(
  project: Project,
  host: Host,
  engine: Engine,
  work: (workshop: Workshop) => Promise<T>,
): Promise<T> {
  const images = imagesFolder(await makeState(project));
  await mkdir(images, { recursive: true });
  const key = digestBytes(`${host.actor.host} ${project.config.folder}`).slice("sha256:".length, 19);
  await removeDead(images, host);
  const build = host.nonce();
  const folder = path.join(images, `${prefix}${build}`);
  await mkdir(folder);
  try {
    const { pid, host: machine } = host.actor;
    await writeFile(path.join(folder, "owner.json"), JSON.stringify({ pid, host: machine }));
    await engine.sweep(key, await namesIn(images));
    return await work({ folder, owner: { project: key, build } });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The builds that have a folder. */
async function namesIn(images: string): Promise<string[]> {
  const names = await readdir(images);
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

async function removeDead(images: string, host: Host): Promise<void> {
  for (const name of await namesIn(images)) {
    const folder = path.join(images, `${prefix}${name}`);
    if (await isDead(folder, host)) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function isDead(folder: string, host: Host): Promise<boolean> {
  try {
    const text = await readFile(path.join(folder, "owner.json"), "utf8");
    const owner = ownerSchema.parse(JSON.parse(text));
    if (owner.host === host.actor.host) return !host.isAlive(owner.pid);
  } catch {
    // Without an owner that can be read, its age decides, as for one of another machine.
  }
  const found = await stat(folder).catch(() => null);
  return found !== null && host.clock.now().getTime() - found.mtimeMs > abandonedAfter;
}
