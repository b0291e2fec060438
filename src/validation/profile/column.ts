// One column's profile, from its values.
import type { ColumnType } from "../../model/model.ts";
import type { ColumnProfile } from "../report/profile.ts";
import { binsOf } from "./bins.ts";
import { tallyNumbers, type Tally } from "./tally.ts";

/** Which column it is. */
export interface ProfiledColumn {
  name: string;
  type: ColumnType;
}

/** @param rows all rows, those without a value included. */
export function categoryProfile(column: ProfiledColumn, rows: number, tally: Tally): ColumnProfile {
  const counted = tally.top.reduce((sum, { count }) => sum + count, tally.other);
  const { name, type } = column;
  return { kind: "categories", name, type, rows, missing: rows - counted, ...tally };
}

/**
 * Numbers as categories when they are few, else in bins. NaN is a missing value; infinite ones, which have
 * no place in a bin, are below or above all of them.
 */
export function numberProfile(column: ProfiledColumn, values: Float64Array): ColumnProfile {
  const parted = partValues(values);
  const tally = parted.below + parted.above === 0 ? tallyNumbers(parted.finite) : null;
  if (tally !== null && tally.distinct > 0) return categoryProfile(column, values.length, tally);
  return inBins(column, values.length, parted);
}

/** Numbers in bins, however few different ones there are: for what is measured, not named. */
export function binnedProfile(column: ProfiledColumn, values: Float64Array): ColumnProfile {
  return inBins(column, values.length, partValues(values));
}

function inBins({ name, type }: ProfiledColumn, rows: number, parted: Parted): ColumnProfile {
  const { finite, below, above } = parted;
  const missing = rows - finite.length - below - above;
  return { kind: "numbers", name, type, rows, missing, ...binsOf(finite), below, above };
}

/** Finite numbers, and how many infinite ones there are at either end. */
interface Parted {
  finite: Float64Array;
  below: number;
  above: number;
}

function partValues(values: Float64Array): Parted {
  const finite = new Float64Array(values.length);
  let [count, below, above] = [0, 0, 0];
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? Number.NaN;
    if (value === Infinity) above++;
    else if (value === -Infinity) below++;
    // NaN alone differs from itself.
    else if (value === value) finite[count++] = value;
  }
  return { finite: finite.subarray(0, count), below, above };
}
