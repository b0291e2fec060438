// What to do after a verdict, in one line.
import type { Report } from "./report.ts";
import { showRows } from "./gates/words.ts";

/** The next command, or what must change before it. */
export function nextStep({ verdict, gates }: Pick<Report, "verdict" | "gates">): string {
  if (verdict === "pass") return "mlship deploy";
  if (verdict === "fail") return "change the model, then mlship validate";
  const open = gates.filter(({ status }) => status === "inconclusive");
  if (open.length === 0) return "add a gate with min or max, then mlship validate";
  const rows = open.flatMap(({ rowsToDecide }) => (rowsToDecide === null ? [] : [rowsToDecide]));
  if (rows.length < open.length) return "add rows or move a bound, then mlship validate";
  return `mlship validate on ${showRows(Math.max(...rows))} like these`;
}
