// One pass over the bytes of a CSV file: its records, the first that is of another length, and what its columns hold.

/** What the values of a column look like, as bits. */
export const looks = { whole: 1, real: 2, text: 4, odd: 8 } as const;

/** A record that breaks the file's shape. Lines count from 1. */
export interface Fault {
  fault: string;
  line: number;
}

const code = { lineFeed: 10, carriageReturn: 13, quote: 34, plus: 43, minus: 45, zero: 48, nine: 57 };
/** Of either case, with the bit of small letters set. */
const letterE = 101;
const lineEnd = Buffer.from("\n");
/** What a byte may be part of; a byte that ends something is 0. */
const part = { digit: 1, dot: 2, exponent: 4, sign: 8, text: 16, odd: 32 };
const state = { start: 0, plain: 1, quoted: 2, closed: 3 };

/** Bytes of a null word that are looked at: no such word is longer. */
const wordBytes = 4;

/**
 * Reads chunk after chunk. Quoting is that of RFC 4180: a quote opens a field only at its start. In UTF-8
 * no byte of a longer character equals a delimiter, quote or line end.
 *
 * A value that is written as a number without any doubt is `whole` or `real`; one that no reader takes
 * for a number is `text`; all else (`+5`, `007`, `1_000`, `0x1f`, ` 7`, `inf`, what is quoted and no text)
 * is `odd`: there the reader itself has to be asked. Missing values are nothing.
 */
export class CsvScan {
  /** The header among them, without blank lines. */
  records = 0;
  fault: Fault | null = null;
  /** What the values of each column look like: bits of {@link looks}. */
  readonly columns: Uint8Array;
  /** Those of the words for a missing value that stand in a field. */
  readonly words = new Set<string>();
  readonly #delimiter: number;
  readonly #parts: Uint8Array;
  readonly #missing: ReadonlyMap<number, string>;
  #state = state.start;
  #field = 0;
  #empty = true;
  #line = 1;
  /** Line on which the current record begins. */
  #began = 1;
  #last = 0;
  /** Of a quoted field: the parts of its bytes, their number, and the first four of them. */
  #seen = 0;
  #length = 0;
  #word = 0;

  /** @param missing what stands for a missing value; of at most four ASCII letters each. */
  constructor(delimiter: string, fields: number, missing: readonly string[]) {
    this.columns = new Uint8Array(fields);
    this.#delimiter = delimiter.charCodeAt(0);
    this.#parts = partsOf(this.#delimiter);
    this.#missing = new Map(missing.map((word) => [wordOf(Buffer.from(word), 0, word.length), word]));
  }

  /**
   * Reads a chunk, as far as its last field is whole: what it leaves comes again at the start of the next.
   * @returns how many bytes were read, until there is a fault.
   */
  read(bytes: Uint8Array): number {
    const parts = this.#parts;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#state === state.quoted) {
        if (byte === code.quote) this.#state = state.closed;
        else this.#take(byte);
        if (byte === code.carriageReturn || (byte === code.lineFeed && this.#last !== code.carriageReturn)) {
          this.#line++;
        }
      } else if (parts[byte] === 0) {
        this.#end(byte);
        if (this.fault) return at;
      } else if (byte === code.quote && this.#state !== state.plain) {
        // Two quotes inside a quoted field stand for one.
        if (this.#state === state.closed) this.#take(byte);
        this.#state = state.quoted;
        this.#empty = false;
      } else {
        const isWhole = this.#state === state.start;
        const from = at;
        let seen = parts[byte] ?? 0;
        for (at++; at < bytes.length; at++) {
          const kind = parts[bytes[at] ?? 0] ?? 0;
          if (kind === 0) break;
          // 2020-01-02 is no number, 1e-5 is one.
          seen |= kind === part.sign && ((bytes[at - 1] ?? 0) | 32) !== letterE ? part.text : kind;
        }
        if (at === bytes.length && from > 0 && isWhole) return from;
        this.#empty = false;
        // A field that fills a chunk is no number, nor is one that goes on behind its quotes.
        this.#note(at === bytes.length || !isWhole ? looks.text : this.#look(bytes, from, at, seen));
        // Most fields end so, which is not worth another turn.
        const isNext = at < bytes.length && bytes[at] === this.#delimiter;
        this.#state = isNext ? state.start : state.plain;
        if (isNext) this.#field++;
        else at--;
      }
      this.#last = bytes[at] ?? 0;
    }
    return bytes.length;
  }

  /** The end of the file, behind what {@link read} left of it. */
  finish(rest: Uint8Array): void {
    if (rest.length > 0) this.read(Buffer.concat([rest, lineEnd]));
    else this.#finish();
  }

  #finish(): void {
    if (this.#state === state.quoted) {
      this.fault = {
        fault: "a quote that opens in the record on this line is never closed",
        line: this.#began,
      };
    } else {
      this.#endRecord();
    }
  }

  #take(byte: number): void {
    // What ends a field is part of one inside quotes.
    this.#seen |= this.#parts[byte] || part.odd;
    if (this.#length < wordBytes) this.#word = (this.#word << 8) | byte;
    this.#length++;
  }

  /** A delimiter or a line end outside quotes. */
  #end(byte: number): void {
    if (byte !== code.lineFeed && byte !== code.carriageReturn) {
      this.#endField();
      this.#field++;
      this.#empty = false;
    } else if (byte === code.lineFeed && this.#last === code.carriageReturn) {
      // The second byte of CR LF ends nothing more.
      this.#began = this.#line;
    } else {
      this.#line++;
      this.#endRecord();
    }
  }

  #endField(): void {
    if (this.#state === state.closed) {
      const isMissing = this.#isMissing(this.#word * (wordBytes + 1) + this.#length);
      this.#note(this.#seen & part.text && !isMissing ? looks.text : looks.odd);
      this.#seen = 0;
      this.#length = 0;
      this.#word = 0;
    }
    this.#state = state.start;
  }

  /** Adds a look to those of the current column. The first record is the header. */
  #note(look: number): void {
    const { columns } = this;
    if (this.records > 0 && this.#field < columns.length) {
      columns[this.#field] = (columns[this.#field] ?? 0) | look;
    }
  }

  /** What an unquoted value looks like. */
  #look(bytes: Uint8Array, from: number, to: number, seen: number): number {
    if (to - from <= wordBytes && this.#isMissing(wordOf(bytes, from, to))) return 0;
    if (seen & part.text) return looks.text;
    if (seen & part.odd) return looks.odd;
    const first = bytes[from] ?? 0;
    if (first === code.plus) return looks.odd;
    const start = first === code.minus ? from + 1 : from;
    if (
      bytes[start] === code.zero &&
      start + 1 < to &&
      (this.#parts[bytes[start + 1] ?? 0] ?? 0) === part.digit
    ) {
      return looks.odd;
    }
    return seen & (part.dot | part.exponent) ? looks.real : looks.whole;
  }

  #isMissing(word: number): boolean {
    const found = this.#missing.get(word);
    if (found === undefined) return false;
    this.words.add(found);
    return true;
  }

  #endRecord(): void {
    this.#endField();
    const [found, expected] = [this.#field + 1, this.columns.length];
    if (!this.#empty) {
      this.records++;
      if (found !== expected) {
        this.fault = {
          fault: `the header has ${expected} fields, this record has ${found}`,
          line: this.#began,
        };
      }
    }
    this.#field = 0;
    this.#empty = true;
    this.#began = this.#line;
  }
}

/** A word of at most four bytes with its length, as one number. */
function wordOf(bytes: Uint8Array, from: number, to: number): number {
  let word = 0;
  for (let at = from; at < to; at++) word = (word << 8) | (bytes[at] ?? 0);
  return word * (wordBytes + 1) + to - from;
}

/** For each byte what it may be part of. */
function partsOf(delimiter: number): Uint8Array {
  const parts = new Uint8Array(256).fill(part.text);
  // Letters of inf, nan, 0x1f, true numbers with separators, and blanks: a reader may take them for parts of a number.
  for (const letter of "abcdfxintyABCDFXINTY_ \t") parts[letter.charCodeAt(0)] = part.odd;
  for (let control = 0; control < 32; control++) parts[control] = part.odd;
  for (let digit = code.zero; digit <= code.nine; digit++) parts[digit] = part.digit;
  for (const letter of "eE") parts[letter.charCodeAt(0)] = part.exponent;
  parts[".".charCodeAt(0)] = part.dot;
  parts[code.plus] = part.sign;
  parts[code.minus] = part.sign;
  parts[code.quote] = part.text;
  parts[delimiter] = 0;
  parts[code.lineFeed] = 0;
  parts[code.carriageReturn] = 0;
  return parts;
}
