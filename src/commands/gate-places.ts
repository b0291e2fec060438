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
    const { fairness, slices } = written.validate;
    if (gate.bound === "maxGap") {
      const key = ["validate", "fairness"];
      if (!Array.isArray(fairness)) return named(yaml.keyAt(key));
      const place = fairness.findIndex(({ column, metric }) => gate.id === `fairness.${metric}[${column}]`);
      return named(place === -1 ? yaml.keyAt(key) : yaml.valueAt([...key, place]));
    }
    if (gate.slice === null) return ofKey(`validate.gates.${gate.metric}.${gate.bound}`);
    const place = slices.findIndex((slice) =>
      typeof slice === "string" ? slice === gate.slice : (slice.name ?? slice.where) === gate.slice,
    );
    return named(yaml.valueAt(["validate", "slices", ...(place === -1 ? [] : [place])]));
  };
}
