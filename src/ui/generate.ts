// What was generated, for people.
import type { EjectDocument, GenerateDocument } from "../commands/generate.ts";
import type { Render } from "./screen.ts";
import { wrap } from "./table.ts";

/** A folder with more files than this that all fare alike is one line. */
const shownFiles = 4;

/** One line per file that differs, or per folder of many. */
export const renderGenerate: Render<GenerateDocument> = (document, { style, width }) => {
  const { folder, checked, added, changed, removed, files, image } = document;
  const lines = [
    ...fold(added).map((place) => `+ ${place}`),
    ...fold(changed).map((place) => `~ ${place}`),
    ...fold(removed).map((place) => `- ${place}`),
  ].map((line) => `${wrap(line, width, "  ")}\n`);
  if (lines.length === 0) return `${folder}: ${files} files, nothing changed\n`;
  if (checked) {
    const next = `${style("dim", "next:")} mlship generate, then commit ${folder}\n`;
    return [`${style("red", "out of date")}: ${folder}\n`, ...lines, next].join("");
  }
  const told = `wrote ${folder} for ${image}\n`;
  const next = `${style("dim", "next:")} mlship build, or docker build ${folder}/image\n`;
  return [told, ...lines, next].join("");
};

/** Paths with the files of a crowded folder as one: `image/layers/server/ (33 files)`. */
function fold(paths: readonly string[]): string[] {
  const folders = Map.groupBy(paths, crowdOf);
  return [...folders].flatMap(([folder, files]) =>
    folder === null || files.length <= shownFiles ? files : [`${folder}/ (${files.length} files)`],
  );
}

/** The folder that a file is told with: that of its layer, or the one above it; null for one at the top. */
function crowdOf(file: string): string | null {
  const parts = file.split("/").slice(0, -1);
  return parts.length < 2 ? null : parts.slice(0, parts[1] === "layers" ? 3 : 2).join("/");
}

/** What to do with the template. */
export const renderEject: Render<EjectDocument> = ({ file }, { style }) =>
  `wrote ${file}\n${style("dim", "next:")} set image.template to ${file} in mlship.yaml\n`;
