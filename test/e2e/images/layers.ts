// What is in the layers of an image that was built, read from its layout.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { readLayout, type LayoutImage } from "../../../src/image/oci/layout.ts";
import type { Platform } from "../../../src/config/image-keys.ts";

const run = promisify(execFile);

/** The image of one platform in a layout. @throws when there is none. */
export async function imageFor(layout: string, platform: Platform): Promise<LayoutImage> {
  const { images } = await readLayout(layout);
  const found = images.find((image) => image.platform === platform);
  if (found === undefined) throw new Error(`no image for ${platform} in the layout`);
  return found;
}

/** The layers above the base: environment, server, model and runtime, as far as they are there. */
export function ownLayers({ layers }: LayoutImage, count = 4): LayoutImage["layers"] {
  return layers.slice(-count);
}

/** Unpacks a layer into a folder, which is made. */
export async function unpack(layout: string, digest: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await run("tar", ["-xzf", path.join(layout, "blobs", digest.replace(":", "/")), "-C", folder]);
  return folder;
}

/** One line for each entry of a layer: rights, owner, size, time and name, in the archive's order. */
export async function listing(layout: string, digest: string): Promise<string[]> {
  const blob = path.join(layout, "blobs", digest.replace(":", "/"));
  const words = ["--list", "--verbose", "--gzip", "--full-time", "--utc", "--numeric-owner", "--file", blob];
  const { stdout } = await run("tar", words, { maxBuffer: 1 << 26 });
  return stdout.trimEnd().split("\n");
}
