// The confusion table as a report keeps it: rows of plain numbers beside the names of the classes.
import type { Label } from "../../model/model.ts";
import type { ClassAnswers } from "../metrics/answers.ts";
import { countConfusion } from "../metrics/confusion.ts";
import type { Pictures } from "../report/pictures.ts";

/** More classes make a table that nobody reads, and a report of megabytes. */
const mostClasses = 50;

/** Null above 50 classes. */
export function confusionOf(answers: ClassAnswers, classes: readonly Label[]): Pictures["confusion"] {
  if (answers.classes > mostClasses) return null;
  const { cells } = countConfusion(answers);
  const width = answers.classes + 1;
  return {
    classes: [...classes],
    cells: classes.map((_class, row) => [...cells.subarray(row * width, (row + 1) * width)]),
  };
}
