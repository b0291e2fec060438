// The images that a project has built, as they lie on disk: layout, record and attestations, by plan digest.
import { mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { builtImageSchema, type BuiltImage } from "./built.ts";
import { readLayout } from "./oci/layout.ts";
import { writeWhole } from "./whole-file.ts";

/** An image that was built, tested and kept. */
export interface KeptImage {
  built: BuiltImage;
  /** Absolute: holds `layout/`, `image.json` and `attestations/`. */
  folder: string;
  /** Absolute: the OCI image layout. */
  layoutFolder: string;
  /** Absolute: the layout of the model's own image, where there is one. */
  modelFolder: string;
}

/** The folders of an image in its own. */
const foldersIn = (folder: string) => ({
  folder,
  layoutFolder: path.join(folder, "layout"),
  modelFolder: path.join(folder, "model"),
});

const pointerSchema = z.object({
  schema: z.literal("mlship.latest-image/v1"),
  /** Names of folders beside this file. */
  latest: z.string().regex(/^[0-9a-f]{16}$/),
  previous: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .nullable(),
});

/** Where a project's images are kept. @param state the project's folder `.mlship` */
export const imagesFolder = (state: string): string => path.join(state, "images");

const nameOf = (plan: Digest): string => plan.slice("sha256:".length, "sha256:".length + 16);

/** The image that was built last; null when there is none that is whole. */
export async function readLatestImage(state: string): Promise<KeptImage | null> {
  const pointer = await readPointer(state);
  return pointer === null ? null : await readKept(path.join(imagesFolder(state), pointer.latest));
}

/** The image of a plan; null when there is none that is whole. */
export async function readImageOf(state: string, plan: Digest): Promise<KeptImage | null> {
  const kept = await readKept(path.join(imagesFolder(state), nameOf(plan)));
  // The folder's name is only the beginning of the digest.
  return kept?.built.plan === plan ? kept : null;
}

/** Writes the record into a finished folder: from then on the image may be pushed. */
export async function writeRecord(folder: string, built: BuiltImage): Promise<void> {
  await writeWhole(path.join(folder, "image.json"), builtImageSchema.parse(built));
}

/**
 * Puts a finished folder with its record in place and makes it the latest. Where another build of
 * the same plan was first and made the same image, that one stays.
 */
export async function keepImage(state: string, finished: string, built: BuiltImage): Promise<KeptImage> {
  const name = nameOf(built.plan);
  const folder = path.join(imagesFolder(state), name);
  await mkdir(imagesFolder(state), { recursive: true });
  for (;;) {
    try {
      await rename(finished, folder);
      break;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      const other = await readKept(folder);
      if (other?.built.plan === built.plan && sameImage(other.built, built) && (await isWhole(other))) break;
      // Out of the way in one step: no reader finds half of it under its name.
      const away = `${finished}.replaced`;
      await rename(folder, away).catch(ignoreMissing);
      await rm(away, { recursive: true, force: true });
    }
  }
  await makeLatest(state, built.plan);
  const kept = await readKept(folder);
  return kept ?? { built, ...foldersIn(folder) };
}

/** Makes the image of a plan the latest, and removes all but it and the one before. */
export async function makeLatest(state: string, plan: Digest): Promise<void> {
  const latest = nameOf(plan);
  const before = await readPointer(state);
  const previous = before === null || before.latest === latest ? (before?.previous ?? null) : before.latest;
  if (before?.latest !== latest) {
    const pointer = { schema: "mlship.latest-image/v1", latest, previous };
    await writeWhole(path.join(imagesFolder(state), "latest.json"), pointerSchema.parse(pointer));
  }
  for (const name of await readdir(imagesFolder(state))) {
    if (!/^[0-9a-f]{16}$/.test(name) || name === latest || name === previous) continue;
    await rm(path.join(imagesFolder(state), name), { recursive: true, force: true });
  }
}

/** Whether two records are of one image with the same attestations. */
function sameImage(one: BuiltImage, other: BuiltImage): boolean {
  const said = (image: BuiltImage) => image.attestations.map(({ digest }) => digest).join();
  return one.digest === other.digest && said(one) === said(other);
}

/** Whether the layout is the record's image and nothing of it is damaged. */
export async function isWhole({ layoutFolder, modelFolder, built }: KeptImage): Promise<boolean> {
  try {
    if ((await readLayout(layoutFolder)).root.digest !== built.digest) return false;
    const { modelImage } = built;
    return modelImage === null || (await readLayout(modelFolder)).root.digest === modelImage.digest;
  } catch (error) {
    if (error instanceof MlshipError) return false;
    throw error;
  }
}

async function readPointer(state: string): Promise<z.infer<typeof pointerSchema> | null> {
  const read = pointerSchema.safeParse(await readJson(path.join(imagesFolder(state), "latest.json")));
  return read.success ? read.data : null;
}

async function readKept(folder: string): Promise<KeptImage | null> {
  const read = builtImageSchema.safeParse(await readJson(path.join(folder, "image.json")));
  return read.success ? { built: read.data, ...foldersIn(folder) } : null;
}

/** Null for what is not there or is no JSON: it is made anew. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
