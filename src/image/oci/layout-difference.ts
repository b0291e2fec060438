// Where two images that should be one differ: the first layer, and in it the first file.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { Digest } from "../../digest.ts";
import { blobFile, type Layout } from "./layout.ts";

/**
 * Says in words where the difference is.
 * @param names of the plan's layers: the topmost ones
 */
export async function findDifference(one: Layout, other: Layout, names: readonly string[]): Promise<string> {
  for (const image of one.images) {
    const twin = other.images.find(({ platform }) => platform === image.platform);
    if (twin === undefined) return `only one of them is for ${image.platform}`;
    if (twin.layers.length !== image.layers.length)
      return `for ${image.platform} one has ${image.layers.length} layers, the other ${twin.layers.length}`;
    for (const [place, { digest }] of image.layers.entries()) {
      const twinDigest = twin.layers[place]?.digest ?? digest;
      if (twinDigest === digest) continue;
      const name = names[place - image.layers.length + names.length] ?? "base";
      const layer = `the layer ${name} of ${image.platform}`;
      if (image.diffIds[place] === twin.diffIds[place])
        return `${layer} holds the same files, compressed otherwise`;
      const file = await firstFile(blobFile(one.folder, digest), blobFile(other.folder, twinDigest));
      return `${layer} differs${file === null ? " in the order of its files" : ` in ${file}`}`;
    }
    if (twin.config.digest !== image.config.digest) return `the configuration for ${image.platform} differs`;
  }
  return "their manifests differ, and nothing that they name does";
}

async function firstFile(one: string, other: string): Promise<string | null> {
  const [entries, others] = await Promise.all([entriesOf(one), entriesOf(other)]);
  for (const [name, facts] of entries) if (others.get(name) !== facts) return JSON.stringify(name);
  for (const name of others.keys()) if (!entries.has(name)) return JSON.stringify(name);
  return null;
}

/** Name → all that the archive says of it, with the digest of its bytes. */
async function entriesOf(file: string): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  const parser = extract();
  const feeding = pipeline(createReadStream(file), createGunzip(), parser);
  for await (const entry of parser) {
    const { name, type, mode, uid, gid, mtime, linkname } = entry.header;
    const hash = createHash("sha256");
    for await (const chunk of entry) if (chunk instanceof Uint8Array) hash.update(chunk);
    const digest: Digest = `sha256:${hash.digest("hex")}`;
    entries.set(name, JSON.stringify([type, mode, uid, gid, mtime?.getTime(), linkname, digest]));
  }
  await feeding;
  return entries;
}
