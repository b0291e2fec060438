// Columns of two tables made comparable: whether a file wrote 1 or 1.0 is no difference to a model.
import type { ColumnType } from "../../model/model.ts";

/** One column in the table `rows` and, where there is one, in the table `train`. */
export interface Comparable {
  name: string;
  /** Its value in `rows`, in SQL. */
  rows: string;
  /** Its value in `train`, in SQL, of the same type. */
  train: string;
}

/** A column as both tables hold it. */
export interface Compared {
  name: string;
  /** What the model takes; of a target, what `rows` holds. */
  asked: ColumnType;
  rows: { place: string; type: ColumnType };
  train: { place: string; type: ColumnType };
}

/**
 * Texts compare as texts; whole numbers exactly; other numbers as the model would see them, with 24 bits
 * where a file or the model has no more. Text that is no number is missing where a number is asked for.
 */
export function comparable({ name, asked, rows, train }: Compared): Comparable {
  const type = sqlType([asked, rows.type, train.type]);
  const cast = ({ place }: { place: string }) => `try_cast(${place} as ${type})`;
  return { name, rows: cast(rows), train: cast(train) };
}

function sqlType([asked, ...held]: readonly [ColumnType, ColumnType, ColumnType]): string {
  if (asked === "string") return "varchar";
  if (asked === "float32" || held.includes("float32")) return "float";
  const isWhole = (type: ColumnType) => type === "int64" || type === "bool";
  return isWhole(asked) && held.every(isWhole) ? "bigint" : "double";
}
