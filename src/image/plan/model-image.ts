// The model as an image of its own, which a pod mounts as a volume: one layer, assembled here without any engine.
import { createReadStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import type { Platform } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import { places } from "./layers.ts";
import { mediaTypes } from "../oci/manifest.ts";
import { createLayout } from "../oci/new-layout.ts";
import type { Descriptor } from "../ports.ts";

/** What the image is made of. */
export interface ModelImageParts {
  name: string;
  version: string;
  /** Digest of the model. */
  model: Digest;
  platforms: readonly Platform[];
  /** The model's files: paths below its folder, sizes in bytes, and where they lie. */
  files: readonly { path: string; size: number; from: string }[];
}

/**
 * Not compressed: then the digest follows from the model's files alone and not from a version of zlib,
 * and weights are numbers, of which compression saves little.
 */
const layerType = "application/vnd.oci.image.layer.v1.tar";

/**
 * Writes an OCI image layout into a folder that does not exist yet. Equal models make equal bytes,
 * on every machine.
 * @returns the image's identity, and the bytes of its layer
 */
export async function writeModelImage(
  folder: string,
  { name, version, model, platforms, files }: ModelImageParts,
): Promise<{ digest: Digest; size: number }> {
  const layout = await createLayout(folder);
  const archive = pack();
  const [layer] = await Promise.all([layout.addBlob(bytesOf(archive)), fill(archive, files)]);
  const manifests: Descriptor[] = [];
  for (const platform of platforms) {
    // A node pulls only what is for its own platform, also where files are the same for all.
    const [os = "", architecture = ""] = platform.split("/");
    const labels = {
      "dev.mlship.model": model,
      "org.opencontainers.image.title": name,
      "org.opencontainers.image.version": version,
    };
    const rootfs = { type: "layers", diff_ids: [layer.digest] };
    const config = { architecture, os, created: epoch, config: { Labels: labels }, rootfs };
    const described = await layout.addDocument(JSON.stringify(config), mediaTypes.config);
    const layers = [{ mediaType: layerType, ...layer }];
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: described, layers };
    const added = await layout.addDocument(JSON.stringify(manifest), mediaTypes.manifest);
    manifests.push({ ...added, platform: { architecture, os } });
  }
  const [only] = manifests;
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  const isOne = manifests.length === 1 && only !== undefined;
  const root = isOne ? only : await layout.addDocument(JSON.stringify(index), mediaTypes.index);
  await layout.finish(root);
  return { digest: root.digest, size: layer.size };
}

/** The tag of a model's image, beside the one of the server's in the same repository. No version begins with a letter. */
export const modelTag = (version: string): string => `model-${version}`;

const epoch = new Date(0).toISOString();

async function* bytesOf(archive: Pack): AsyncGenerator<Uint8Array> {
  for await (const part of archive) if (part instanceof Uint8Array) yield part;
}

async function fill(archive: Pack, files: ModelImageParts["files"]): Promise<void> {
  const header = { mtime: new Date(0), uid: 0, gid: 0 };
  const below = (file: string) => path.posix.join(places.model.slice(1), file);
  const folders = new Set<string>();
  for (const file of files) {
    for (let at = path.posix.dirname(below(file.path)); at !== "."; at = path.posix.dirname(at))
      folders.add(at);
  }
  try {
    // Every folder sorts before what is in it.
    for (const folder of [...folders].toSorted())
      archive.entry({ ...header, name: folder, type: "directory", mode: 0o755 });
    for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      const entry = archive.entry({ ...header, name: below(file.path), mode: 0o444, size: file.size });
      await pipeline(createReadStream(file.from), entry);
    }
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
