// Which line of mlship.yaml asks for a gate, for annotations in a pull request.
import path from "node:path";
import { configFile, type LoadedConfig } from "../config/load.ts";
import { readYaml } from "../config/yaml.ts";
import type { Place } from "../errors.ts";
import type { Report } from "../validation/report.ts";

type Gate = Report["gates"][number];

/**
 * Finds the lines.
 * @param root folder that places are named from: the repository's
 */
export function gatePlaces(
  { written, origins, file, text }: LoadedConfig,
  root: string,
): (gate: Gate) => Place | null {
  const yaml = readYaml(text, configFile);
  const named = ({ line, column }: Place): Place => ({
    file: path.relative(root, file).split(path.sep).join("/"),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  });
  /** What a flag or a variable set stands on no line. */
  const ofKey = (key: string): Place | null => {
    const origin = origins.get(key) ?? origins.get(key.slice(0, key.lastIndexOf(".")));
    return origin?.kind === "file" || origin?.kind === "environment" ? named(origin.at) : null;
  };
  return (gate) => {
    if (gate.bound === "maxGap") return named(yaml.keyAt(["validate", "fairness"]));
    if (gate.slice === null) return ofKey(`validate.gates.${gate.metric}.${gate.bound}`);
    const { slices } = written.validate;
    const place = slices.findIndex((slice) =>
      typeof slice === "string" ? slice === gate.slice : (slice.name ?? slice.where) === gate.slice,
    );
    return named(yaml.valueAt(["validate", "slices", ...(place === -1 ? [] : [place])]));
  };
}
