// Writes an OCI image layout, piece by piece, for builders that get an image in another form.
import { createHash } from "node:crypto";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { digestBytes, type Digest } from "../../digest.ts";
import { blobFile } from "./layout.ts";
import type { Descriptor } from "../ports.ts";

/** A layout that is being written. It is none until `finish`. */
export interface NewLayout {
  /** Writes a blob whose digest is found on the way. */
  addBlob(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ digest: Digest; size: number }>;
  /** Writes a document, such as a configuration or a manifest, byte for byte. */
  addDocument(bytes: Uint8Array | string, mediaType: string): Promise<Descriptor>;
  /** Names the one image of the layout: the index or the manifest. */
  finish(root: Descriptor): Promise<void>;
}

/** Begins a layout in a folder that does not exist yet. The caller removes it when the writing fails. */
export async function createLayout(folder: string): Promise<NewLayout> {
  await mkdir(path.join(folder, "blobs", "sha256"), { recursive: true });
  let parts = 0;
  const addBlob: NewLayout["addBlob"] = async (source) => {
    parts += 1;
    const part = path.join(folder, `part-${parts}`);
    const hash = createHash("sha256");
    let size = 0;
    const file = await open(part, "wx");
    try {
      for await (const bytes of source) {
        hash.update(bytes);
        size += bytes.length;
        await file.writeFile(bytes);
      }
    } catch (error) {
      await file.close();
      await rm(part, { force: true });
      throw error;
    }
    await file.close();
    const digest: Digest = `sha256:${hash.digest("hex")}`;
    await rename(part, blobFile(folder, digest));
    return { digest, size };
  };
  return {
    addBlob,
    async addDocument(content, mediaType) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      await writeFile(blobFile(folder, digestBytes(bytes)), bytes);
      return { mediaType, digest: digestBytes(bytes), size: bytes.length };
    },
    async finish(root) {
      const index = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [root],
      };
      await writeFile(path.join(folder, "index.json"), JSON.stringify(index));
      await writeFile(path.join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    },
  };
}
