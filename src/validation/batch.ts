// Rows on their way to a model: a block of numbers and a block of texts, each column after column.

/** Some rows of named columns. Column `i` of a block stands at `i * rows` to before `(i + 1) * rows`. */
export interface Batch {
  rows: number;
  /** Names of the columns of numbers: floats, whole numbers, truth values as 0 and 1. */
  numbers: string[];
  /** NaN where a number is missing. */
  numberBlock: Float64Array;
  /** The columns of text with the words that these rows hold. */
  texts: { name: string; words: string[] }[];
  /** Places among the words; -1 where a text is missing. */
  textBlock: Int32Array;
}
