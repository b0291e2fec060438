// What `mlship init` found and wrote.
import type { InitDocument } from "../commands/init.ts";
import type { Render } from "./screen.ts";

/** The file's text and the next command. */
export const renderInit: Render<InitDocument> = ({ text, gated }, { style }) => {
  const shown = text
    .trimEnd()
    .split("\n")
    .map(
      (line) =>
        `  ${line.startsWith("#") ? style("dim", line) : line.replace(/ #.*$/, (remark) => style("dim", remark))}\n`,
    )
    .join("");
  const next = gated ? "mlship validate" : "add gates below validate.gates, then mlship validate";
  return `wrote mlship.yaml\n\n${shown}\n${style("dim", "next:")} ${next}\n`;
};
