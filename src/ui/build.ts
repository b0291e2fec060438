// What was built: the digest, and what each layer weighs.
import type { BuiltImage } from "../image/built.ts";
import { showBytes } from "../validation/show.ts";
import type { Render } from "./screen.ts";
import { table } from "./table.ts";

/** Digest, layers with their sizes, and what was seen when the image ran. */
export const renderBuild: Render<BuiltImage> = (built, screen) => {
  const { style } = screen;
  const parts = built.images.map(({ platform, layers, size, selfTest }) => {
    const sums = new Map<string, number>();
    for (const layer of layers) sums.set(layer.name, (sums.get(layer.name) ?? 0) + layer.size);
    const rows = [...sums].map(([name, bytes]) => [name, decimal(bytes), showShare(bytes, size)]);
    const heading = [`layer, ${platform}`, "compressed", "share"];
    const seen =
      selfTest === null
        ? "not tried out: this machine does not run the platform"
        : `ready in ${(selfTest.readyMs / 1000).toFixed(1)} s, ${showBytes(selfTest.rss)} resident, ${selfTest.parity.flips} of ${selfTest.parity.rows} rows flip`;
    return `${table(heading, [...rows, ["all", decimal(size), ""]], screen)}${seen}\n`;
  });
  const head = `${style("green", `✔ ${built.name} ${built.version}`)} ${built.digest}\n`;
  return `${head}${parts.join("")}${style("dim", "next:")} mlship push\n`;
};

/** Bytes of an image, `58.0 MB`, `1.3 kB`: as registries count, and each with one digit behind the point, so that a column can be compared. */
function decimal(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `49 %`; what is there and rounds to nothing is not nothing. */
function showShare(bytes: number, all: number): string {
  const percent = Math.round((100 * bytes) / all);
  return percent === 0 && bytes > 0 ? "<1 %" : `${percent} %`;
}
