// How large an image is, layer by layer, and which layer broke the limit.
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { BuiltImage } from "../built.ts";
import type { PlannedLayer } from "../plan/plan.ts";

type BuiltLayer = BuiltImage["images"][number]["layers"][number];

/** Digest of a tar archive without entries: what an instruction that changes no file leaves. */
const emptyArchive = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/**
 * Names the layers of a built image: the topmost that hold anything are the plan's, what is below
 * them is the base.
 * @param layers lowest first, with their compressed sizes in bytes
 * @param diffIds of the same layers, before compression
 */
export function nameLayers(
  layers: readonly { digest: Digest; size: number }[],
  diffIds: readonly string[],
  planned: readonly Pick<PlannedLayer, "name">[],
): BuiltLayer[] {
  const names = planned.map(({ name }) => name as string);
  return layers
    .map(({ digest, size }, place) => ({ digest, size, isEmpty: diffIds[place] === emptyArchive }))
    .toReversed()
    .map(({ digest, size, isEmpty }) => ({
      name: isEmpty && names.length > 0 ? "configuration" : (names.pop() ?? "base"),
      digest,
      size,
    }))
    .toReversed();
}

/** What can be done about a layer that is too large. */
const remedies: Record<string, string> = {
  base: "choose a smaller image.base, such as a slim or distroless one",
  environment: "ask for fewer or smaller libraries in python.requirements, or export the model to ONNX",
  server: "update mlship",
  model: "make the model smaller, or deliver it beside the image with image.delivery: image-volume or s3",
  runtime: "make model.handler smaller",
};

/**
 * Holds an image against `image.maxSize`. The layer that broke it is the one with which the sum,
 * from the base upwards, passes the limit.
 * @param most bytes, compressed
 * @throws MlshipError `image.too-large`, exit 3.
 */
export function checkSize(
  { platform, layers, size }: Pick<BuiltImage["images"][number], "platform" | "layers" | "size">,
  most: number | null,
): void {
  if (most === null || size <= most) return;
  let sum = 0;
  const parts = new Map<string, number>();
  let broke = "base";
  for (const layer of layers) {
    const before = sum;
    sum += layer.size;
    parts.set(layer.name, (parts.get(layer.name) ?? 0) + layer.size);
    if (before <= most && sum > most) broke = layer.name;
  }
  const share = (bytes: number) => `${showSize(bytes)}, ${Math.round((100 * bytes) / size)} %`;
  const list = [...parts].map(([name, bytes]) => `${name} ${share(bytes)}`);
  throw new MlshipError({
    code: "image.too-large",
    what: `the image for ${platform} holds ${showSize(size)}, ${showSize(size - most)} more than image.maxSize`,
    why: `the layer ${broke} (${share(parts.get(broke) ?? 0)}) broke the limit of ${showSize(most)}\n${list.join("\n")}`,
    fix: `${remedies[broke] ?? "make it smaller"}; or raise image.maxSize`,
    exit: "gate",
  });
}

/** Bytes of an image, `62.3 MB`: decimal units, as registries count. All else is told in binary ones. */
export function showSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  const unit = Math.min(units.length, Math.floor(Math.log10(bytes) / 3)) - 1;
  return `${Number((bytes / 1000 ** (unit + 1)).toPrecision(3))} ${units[unit]}`;
}
