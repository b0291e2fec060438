// What was generated, for people.
import type { EjectDocument, GenerateDocument } from "../commands/generate.ts";
import type { Render } from "./screen.ts";
import { wrap } from "./table.ts";

/** One line per file that differs. */
export const renderGenerate: Render<GenerateDocument> = (document, { style, width }) => {
  const { folder, checked, added, changed, removed, files, image } = document;
  const lines = [
    ...added.map((file) => `+ ${file}`),
    ...changed.map((file) => `~ ${file}`),
    ...removed.map((file) => `- ${file}`),
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

/** What to do with the template. */
export const renderEject: Render<EjectDocument> = ({ file }, { style }) =>
  `wrote ${file}\n${style("dim", "next:")} set image.template to ${file} in mlship.yaml\n`;
