// What `mlship build` leaves behind, without having built anything: a small image with one statement about it.
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { digestBytes } from "../../../src/digest.ts";
import { keepImage } from "../../../src/image/build-record.ts";
import type { BuiltImage } from "../../../src/image/built.ts";
import { readLayout } from "../../../src/image/oci/layout.ts";
import { writeLayout } from "./oci/layout-folder.ts";

/**
 * Keeps an image as the one that was built last.
 * @param state the project's folder `.mlship`
 * @param layers the first is the base's
 */
export async function keepBuilt(
  state: string,
  { name, version }: { name: string; version: string },
  layers: (string | Uint8Array)[],
): Promise<BuiltImage> {
  await mkdir(state, { recursive: true });
  const finished = await mkdtemp(path.join(state, "finished-"));
  await mkdir(path.join(finished, "attestations"));
  await writeLayout(path.join(finished, "layout"), { "linux/amd64": { layers } });
  const { root, images } = await readLayout(path.join(finished, "layout"));
  const subject = [{ name, digest: { sha256: root.digest.slice("sha256:".length) } }];
  const predicateType = "https://spdx.dev/Document";
  const text = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject,
    predicateType,
    predicate: {},
  });
  const file = "attestations/spdx.json";
  await writeFile(path.join(finished, file), text);
  const image: BuiltImage = {
    schema: "mlship.image/v1",
    name,
    version,
    plan: digestBytes(layers.map((layer) => digestBytes(layer)).join()),
    digest: root.digest,
    images: images.map(({ platform, manifest, layers: all }) => ({
      platform,
      manifest: manifest.digest,
      layers: all.map(({ digest, size }, place) => ({ name: place === 0 ? "base" : "model", digest, size })),
      size: 1,
      selfTest: null,
    })),
    modelImage: null,
    evidence: { model: digestBytes("m"), lock: digestBytes("l"), report: digestBytes("r") },
    attestations: [{ predicateType, file, digest: digestBytes(text), signed: false }],
    volatile: { at: "2026-01-01T00:00:00.000Z", builder: "test", seconds: 1 },
  };
  await writeFile(path.join(finished, "image.json"), JSON.stringify(image));
  await keepImage(state, finished, image);
  return image;
}
