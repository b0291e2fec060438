// One label per row, in a few bytes each: numbers as they are, all else as places in a list of labels.
import type { Label } from "../model/model.ts";

/** As many as a byte tells apart, and with -1 beside them. */
const fewLabels = 256;
const fewPlaces = 128;

/** A place among labels or classes per row, -1 for none: in a byte each where there are few. */
export type Places = Int8Array | Int32Array;

/** Labels of many rows. */
export class Series {
  readonly length: number;
  readonly #values: Float64Array | Int32Array | Uint8Array;
  /** Null when the values are the labels. */
  readonly #names: readonly Label[] | null;

  private constructor(values: Float64Array | Int32Array | Uint8Array, names: readonly Label[] | null) {
    this.#values = values;
    this.#names = names;
    this.length = values.length;
  }

  /** A number per row. */
  static numbers(values: Float64Array): Series {
    return new Series(values, null);
  }

  /** A place among `names` per row. */
  static coded(places: Int32Array, names: readonly Label[]): Series {
    return new Series(places, names);
  }

  /** The same labels in a byte each, when there are few different ones. */
  compact(): Series {
    const names = this.distinct(fewLabels);
    if (names.length > fewLabels) return this;
    const places = new Map(names.map((name, place) => [name, place]));
    return new Series(new Uint8Array(this.encode((label) => places.get(label) ?? -1)), names);
  }

  /** Labels that are there as plain values. */
  static of(labels: readonly Label[]): Series {
    const builder = new SeriesBuilder(labels.length);
    const places = new Map([...new Set(labels)].map((label, place) => [label, place]));
    builder.add(
      Series.coded(
        Int32Array.from(labels, (label) => places.get(label) ?? -1),
        [...places.keys()],
      ),
    );
    return builder.finish();
  }

  /** The label of a row. */
  at(row: number): Label {
    const value = this.#values[row] ?? Number.NaN;
    return this.#names ? (this.#names[value] ?? Number.NaN) : value;
  }

  /** Numbers, one per row; NaN for a label that is none. Not a copy. */
  numbers(): Float64Array {
    if (this.#names === null && this.#values instanceof Float64Array) return this.#values;
    const values = new Float64Array(this.length);
    for (let row = 0; row < values.length; row++) {
      const label = this.at(row);
      values[row] = typeof label === "string" ? Number.NaN : Number(label);
    }
    return values;
  }

  /** Whether every label is a number. */
  get isNumeric(): boolean {
    return this.#names === null || this.#names.every((name) => typeof name === "number");
  }

  /** The different labels in the order of their first rows; at least those, when more than `most` are there. */
  distinct(most = Number.POSITIVE_INFINITY): Label[] {
    const found = new Set<number>();
    for (let row = 0; row < this.length; row++) {
      const value = this.#values[row] ?? Number.NaN;
      // Few labels in many rows: most of the time the set does not grow.
      if (found.size === found.add(value).size) continue;
      if (found.size > most) break;
    }
    const names = this.#names;
    return names ? [...found].map((place) => names[place] ?? Number.NaN) : [...found];
  }

  /**
   * What `find` says of each row's label; it is asked once per different label.
   * @param count it says -1 to before this
   */
  encode(find: (label: Label) => number, count = Number.POSITIVE_INFINITY): Places {
    const names = this.#names;
    // A typed array's own `from` goes through an iterator: thirty times as slow as a loop.
    const encoded = count <= fewPlaces ? new Int8Array(this.length) : new Int32Array(this.length);
    if (names) {
      const places = Int32Array.from(names, find);
      for (let row = 0; row < encoded.length; row++) encoded[row] = places[this.#values[row] ?? -1] ?? -1;
      return encoded;
    }
    const known = new Map<number, number>();
    let [last, place] = [Number.NaN, -1];
    for (let row = 0; row < encoded.length; row++) {
      const value = this.#values[row] ?? Number.NaN;
      // Often the label of the row before: then it is not looked up.
      if (value !== last) {
        place = known.get(value) ?? find(value);
        known.set(value, place);
        last = value;
      }
      encoded[row] = place;
    }
    return encoded;
  }
}

/** Puts a series together from parts. */
export class SeriesBuilder {
  #numbers: Float64Array | null = null;
  #places: Int32Array | null = null;
  readonly #names = new Map<Label, number>();
  readonly #length: number;
  #filled = 0;

  /** @param length of all parts together. */
  constructor(length: number) {
    this.#length = length;
  }

  add(part: Series): void {
    const from = this.#filled;
    this.#filled += part.length;
    if (part.isNumeric && this.#places === null) {
      this.#numbers ??= new Float64Array(this.#length);
      this.#numbers.set(part.numbers(), from);
      return;
    }
    this.#places ??= this.#codeNumbers(from);
    this.#places.set(
      part.encode((label) => this.#place(label)),
      from,
    );
  }

  finish(): Series {
    if (this.#places) return Series.coded(this.#places, [...this.#names.keys()]).compact();
    return Series.numbers(this.#numbers ?? new Float64Array(this.#length));
  }

  /** Numbers that came before the first other label become labels like it. */
  #codeNumbers(filled: number): Int32Array {
    const places = new Int32Array(this.#length);
    const numbers = this.#numbers?.subarray(0, filled) ?? [];
    for (const [row, number] of numbers.entries()) places[row] = this.#place(number);
    this.#numbers = null;
    return places;
  }

  #place(label: Label): number {
    let place = this.#names.get(label);
    if (place === undefined) this.#names.set(label, (place = this.#names.size));
    return place;
  }
}
