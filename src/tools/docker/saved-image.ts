// What `docker save` gives, as an image of an OCI layout: for engines that cannot write layouts themselves.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { extract } from "tar-stream";
import { z } from "zod";
import type { Digest } from "../../digest.ts";
import { mediaTypes } from "../../image/oci/manifest.ts";
import type { NewLayout } from "../../image/oci/new-layout.ts";
import type { Descriptor } from "../../image/ports.ts";

const savedSchema = z.tuple([z.looseObject({ Config: z.string(), Layers: z.array(z.string()) })]);
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()) }),
});

/**
 * Writes one saved image into a layout.
 * @param archive what the engine gave for one image
 * @param folder empty, for what is in the archive meanwhile
 * @returns the descriptor of its manifest, with its platform
 * @throws Error for an archive that holds no image, or another one than it says.
 */
export async function convertSaved(
  archive: AsyncIterable<Uint8Array | string>,
  folder: string,
  layout: NewLayout,
): Promise<Descriptor> {
  const files = await unpack(archive, folder);
  const read = async (name: string) => await readFile(fileOf(files, name));
  const [saved] = savedSchema.parse(JSON.parse((await read("manifest.json")).toString("utf8")));
  const configBytes = await read(saved.Config);
  const { architecture, os, rootfs } = configSchema.parse(JSON.parse(configBytes.toString("utf8")));
  if (rootfs.diff_ids.length !== saved.Layers.length) {
    throw new Error(`the engine saved ${saved.Layers.length} of ${rootfs.diff_ids.length} layers`);
  }
  const layers: Descriptor[] = [];
  for (const [place, name] of saved.Layers.entries()) {
    layers.push(await addLayer(layout, fileOf(files, name), rootfs.diff_ids[place] ?? ""));
  }
  const config = await layout.addDocument(configBytes, mediaTypes.config);
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
  const added = await layout.addDocument(JSON.stringify(manifest), mediaTypes.manifest);
  return { ...added, platform: { architecture, os } };
}

/** Writes the archive's files under numbers: a name in it never becomes a path. */
async function unpack(
  archive: AsyncIterable<Uint8Array | string>,
  folder: string,
): Promise<Map<string, string>> {
  await mkdir(folder, { recursive: true });
  const files = new Map<string, string>();
  const links: [name: string, target: string][] = [];
  const parser = extract();
  const feeding = pipeline(archive, parser);
  for await (const entry of parser) {
    const { name, type, linkname } = entry.header;
    if (type === "file") {
      const file = path.join(folder, String(files.size));
      await pipeline(entry, createWriteStream(file));
      files.set(name, file);
    } else {
      // Engines before 25 link a layer that an image has twice.
      if (type === "symlink" && linkname)
        links.push([name, path.posix.join(path.posix.dirname(name), linkname)]);
      entry.resume();
    }
  }
  await feeding;
  for (const [name, target] of links) {
    const file = files.get(target);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

function fileOf(files: Map<string, string>, name: string): string {
  const file = files.get(name);
  if (file === undefined) throw new Error(`the engine saved no ${name}`);
  return file;
}

async function addLayer(layout: NewLayout, file: string, diffId: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  const watched = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const compressed = settled(createGzip({ level: 6 }));
  const feeding = pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), watched, compressed.gzip);
  const [added] = await Promise.all([layout.addBlob(compressed.bytes), feeding]);
  const found: Digest = `sha256:${hash.digest("hex")}`;
  if (found !== diffId) throw new Error(`the engine saved the layer ${diffId} with the digest ${found}`);
  return { mediaType: mediaTypes.layer, ...added };
}

/** The tenth byte of a gzip stream names the system that wrote it: 255 is "unknown" (RFC 1952). */
function settled(gzip: ReturnType<typeof createGzip>): {
  gzip: ReturnType<typeof createGzip>;
  bytes: AsyncIterable<Uint8Array>;
} {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const chunk of gzip) {
      const part = Buffer.from(chunk);
      if (at <= 9 && at + part.length > 9) part[9 - at] = 255;
      at += part.length;
      yield part;
    }
  }
  return { gzip, bytes: bytes() };
}
