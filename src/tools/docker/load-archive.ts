// One platform's image of an OCI layout as the archive that `docker load` takes, with every kind of image store.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { blobFile, type LayoutImage } from "../../image/oci/layout.ts";
import type { Digest } from "../../digest.ts";

/** @param tag the name that the engine is to give it: `repository:tag` */
export function packImage(layoutFolder: string, image: LayoutImage, tag: string): Readable {
  const archive = pack();
  fill(archive, layoutFolder, image, tag).catch((error: unknown) =>
    archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(archive);
}

async function fill(archive: Pack, layoutFolder: string, image: LayoutImage, tag: string): Promise<void> {
  const { config, layers } = image;
  const nameOf = (digest: Digest) => `blobs/sha256/${digest.slice("sha256:".length)}`;
  const manifest = [
    { Config: nameOf(config.digest), RepoTags: [tag], Layers: layers.map(({ digest }) => nameOf(digest)) },
  ];
  archive.entry({ name: "manifest.json" }, JSON.stringify(manifest));
  archive.entry({ name: nameOf(config.digest) }, await readFile(blobFile(layoutFolder, config.digest)));
  // Two layers may be one blob; an archive that holds a name twice is refused.
  for (const digest of new Set(layers.map((layer) => layer.digest))) {
    const file = blobFile(layoutFolder, digest);
    const { size } = await stat(file);
    await pipeline(createReadStream(file), archive.entry({ name: nameOf(digest), size }));
  }
  archive.finalize();
}
