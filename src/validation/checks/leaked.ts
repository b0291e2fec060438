// Rows that judge the model and that it was trained on: how many are too many.
import { showShare } from "../cells.ts";
import type { Finding } from "../sanity.ts";

/** What was counted. */
export interface SharedRows {
  /** Rows of the data that judge, and those of them that the training data hold. */
  rows: number;
  shared: number;
  /** Those whose label is the same, too. */
  sameLabel: number;
  trainRows: number;
  /** Rows of the training data that are like no other one of them. */
  single: number;
}

/** A leaked row can move a mean over the rows by its own share: 1 % of them, by 0.01 at most. */
const mostLeaked = 0.01;

/**
 * How many rows an honest split would share: where a table repeats itself, as one of few truth values
 * does, so do new rows. By Good and Turing (Good, 1953), a new row is like none before it with the
 * probability with which a row seen so far is single.
 */
export function sharedByChance({ rows, trainRows, single }: SharedRows): number {
  return rows * (1 - single / trainRows);
}

/**
 * Fails when more than 1 % of the rows are shared beyond chance, warns of fewer. Three standard
 * deviations of a count are chance.
 */
export function inspectShared(counted: SharedRows): Finding[] {
  const { rows, shared, sameLabel } = counted;
  const chance = sharedByChance(counted);
  if (shared <= chance + 3 * Math.sqrt(chance)) return [];
  const expected = chance >= 1 ? `; chance would explain ${Math.round(chance)}` : "";
  return [
    {
      code: "data.leaked-rows",
      severity: shared - chance > mostLeaked * rows ? "fail" : "warn",
      what: `${shared} of ${rows} rows (${showShare(shared, rows)}) are in the training data, ${sameLabel} with the same label${expected}`,
      fix: "remove them from validate.data: on rows that it has seen, a model looks better than it is",
    },
  ];
}
