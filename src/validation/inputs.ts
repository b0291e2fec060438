// Whether the data holds what the model's signature asks for.
import { basename } from "node:path";
import { suggest } from "../config/suggest.ts";
import { MlshipError, type Problem } from "../errors.ts";
import type { ColumnType, InputColumn } from "../model/model.ts";
import type { Dataset } from "./dataset.ts";

/** The column types of a file that a model's input of a type can be given. */
const accepted: Record<ColumnType, readonly ColumnType[]> = {
  float64: ["float64", "float32", "int64", "bool"],
  float32: ["float64", "float32", "int64", "bool"],
  int64: ["int64", "bool"],
  bool: ["bool"],
  string: ["string"],
};

/**
 * Compares signature and data by name, never by place.
 * @throws MlshipError `data.inputs`, exit 2, with every input that is missing, of another type, or has
 *   gaps that the model does not take.
 */
export function checkInputs(
  inputs: readonly InputColumn[],
  dataset: Pick<Dataset, "file" | "features">,
): void {
  const columns = new Map(dataset.features.map((column) => [column.name, column]));
  const names = [...columns.keys()];
  const problems: Problem[] = [];
  for (const { name, type, nullable } of inputs) {
    const column = columns.get(name);
    const shown = JSON.stringify(name);
    if (!column) {
      const near = suggest(name, names);
      problems.push({
        what: `there is no column ${shown}`,
        ...(near ? { fix: `did you mean ${JSON.stringify(near)}?` } : {}),
      });
    } else if (column.nulls > 0 && !nullable) {
      problems.push({
        what: `column ${shown} has no value in ${column.nulls} rows, and the model takes no gaps in it`,
      });
    } else if (!accepted[type].includes(column.type)) {
      problems.push({ what: `column ${shown} holds ${column.type}, the model takes ${type}` });
    }
  }
  const [first] = problems;
  if (!first) return;
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : "";
  throw new MlshipError({
    code: "data.inputs",
    what: `${basename(dataset.file)} does not hold what the model takes: ${first.what}${more}`,
    fix: first.fix ?? "name the columns as in training, and fill or convert their values in the same way",
    exit: "usage",
    at: { file: dataset.file },
    ...(problems.length > 1 ? { problems: problems.slice(0, 20) } : {}),
  });
}
