// OCI image layouts with small images, for tests of what reads them.
import path from "node:path";
import { canonicalJson, digestBytes } from "../../../../src/digest.ts";
import type { Platform } from "../../../../src/config/image-keys.ts";
import { mediaTypes } from "../../../../src/image/oci/manifest.ts";
import { createLayout } from "../../../../src/image/oci/new-layout.ts";
import type { Descriptor } from "../../../../src/image/ports.ts";
import { folderWith } from "../../model/folder.ts";

export interface ImageContent {
  /** The bytes of each layer: what a layer holds is no matter of the layout's. */
  layers: (string | Uint8Array)[];
  labels?: Record<string, string>;
}

/** A stand-in for the digest of the layer before compression. */
export const diffIdOf = (layer: string | Uint8Array) => digestBytes(`tar of ${digestBytes(layer)}`);

/** Writes a layout; with several platforms it has an index. */
export async function writeLayout(
  folder: string,
  images: Partial<Record<Platform, ImageContent>>,
): Promise<Descriptor> {
  const layout = await createLayout(folder);
  const manifests: Descriptor[] = [];
  for (const [platform, { layers, labels = {} }] of Object.entries(images)) {
    const [os = "", architecture = ""] = platform.split("/");
    const described: Descriptor[] = [];
    for (const layer of layers) {
      const written = await layout.addBlob([Buffer.from(layer)]);
      described.push({ mediaType: mediaTypes.layer, ...written });
    }
    const config = canonicalJson({
      architecture,
      os,
      config: { Labels: labels },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => diffIdOf(layer)) },
    });
    const manifest = canonicalJson({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: await layout.addDocument(config, mediaTypes.config),
      layers: described,
    });
    manifests.push({
      ...(await layout.addDocument(manifest, mediaTypes.manifest)),
      platform: { os, architecture },
    });
  }
  const [only] = manifests;
  const root =
    manifests.length === 1 && only !== undefined
      ? only
      : await layout.addDocument(
          canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
          mediaTypes.index,
        );
  await layout.finish(root);
  return root;
}

/** A layout in a folder that is removed after the test. */
export async function layoutWith(images: Partial<Record<Platform, ImageContent>>) {
  const folder = path.join(folderWith({}), "layout");
  return { folder, root: await writeLayout(folder, images) };
}
