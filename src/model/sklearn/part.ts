// A scikit-learn object as it lies in a file, whatever the file format: looked at, never made.
import type { Label } from "../model.ts";

/** A part of a saved estimator. */
export interface Part {
  /** Qualified class name, or null when it is no object of a class. */
  readonly className: string | null;
  /** An attribute of an object; null when it has none of that name. */
  attribute(name: string): Part | null;
  /** The members of a list or tuple, or null. */
  items(): Part[] | null;
  /** The elements of a one-dimensional array or a list, when all are labels. */
  labels(): Label[] | null;
  /** A single text, number or truth value. */
  scalar(): Label | null;
}
