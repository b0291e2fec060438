// numpy's dtype as pickles describe it: enough to know how many bytes an array has and what they mean.
// Source of the state tuple: numpy's descriptor.c, arraydescr_setstate.
import { PyDict, PyTuple, type Value } from "./values.ts";

const code = /^([biufcSUVMmO])(\d{1,9})$/;
const sizes: Record<string, readonly number[]> = {
  b: [1],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
  f: [2, 4, 8],
  c: [8, 16],
  M: [8],
  m: [8],
  O: [4, 8],
};
/** numpy marks these dtypes: refcounted, list when pickled, pointer, needs init, needs Python API. */
const objectFlags = 63;
/** Structured and text dtypes may ask for zeroed memory (8) and be aligned (128), never hold objects. */
const harmlessFlags = 8 | 16 | 128;

/** The element type of an array. */
export class Dtype {
  /** numpy's kind: `b i u f c S U V M m O`. */
  readonly kind: string;
  /** Bytes per element. */
  readonly itemsize: number;
  littleEndian = true;
  /** Once used or given its state, a dtype stays as it is. */
  frozen = false;

  private constructor(kind: string, itemsize: number) {
    this.kind = kind;
    this.itemsize = itemsize;
  }

  /** What `numpy.dtype(code, False, True)` makes; null for other arguments. */
  static called(args: readonly Value[]): Dtype | null {
    const [text, align, copy] = args;
    if (args.length !== 3 || (align !== false && align !== 0) || (copy !== true && copy !== 1)) return null;
    const match = typeof text === "string" ? code.exec(text) : null;
    const [, kind, digits] = match ?? [];
    if (kind === undefined || digits === undefined) return null;
    const count = Number(digits);
    const known = sizes[kind];
    if (known !== undefined && !known.includes(count)) return null;
    return new Dtype(kind, kind === "U" ? count * 4 : count);
  }

  get holdsObjects(): boolean {
    return this.kind === "O";
  }

  /** Takes the state of a BUILD; says what is wrong with it, or null. */
  build(state: Value): string | null {
    if (this.frozen) return "a dtype is changed after its use";
    this.frozen = true;
    if (!(state instanceof PyTuple) || (state.items.length !== 8 && state.items.length !== 9)) {
      return "a dtype has a state of unknown shape";
    }
    const [version, order, subarray, names, fields, size, , flags] = state.items;
    if (version !== 3 && version !== 4) return "a dtype has a state of unknown version";
    if (order !== "<" && order !== ">" && order !== "|" && order !== "=") return "a dtype has no byte order";
    this.littleEndian = order !== ">";
    if (typeof flags !== "number" || typeof size !== "number") return "a dtype has no size or flags";
    if (flags < -128 || flags > 255) return "a dtype has odd flags";
    const bits = flags & 255;
    if (this.kind === "O")
      return bits === objectFlags && size === -1 ? null : "an object dtype has odd flags";
    if ((bits & ~harmlessFlags) !== 0) return "a dtype of plain data claims to hold objects";
    if (this.kind === "V") return this.#structure(subarray ?? null, names ?? null, fields ?? null, size);
    if (subarray !== null || names !== null || fields !== null) return "a simple dtype has fields";
    const sized = this.kind === "U" || this.kind === "S";
    return size === (sized ? this.itemsize : -1) ? null : "a dtype has two different sizes";
  }

  #structure(subarray: Value, names: Value, fields: Value, size: number): string | null {
    if (size !== this.itemsize) return "a structured dtype has two different sizes";
    if (subarray !== null) return this.#repeats(subarray);
    if (names === null && fields === null) return null;
    if (!(names instanceof PyTuple) || !(fields instanceof PyDict))
      return "a structured dtype has odd fields";
    if (names.items.length !== fields.entries.size) return "a structured dtype has unnamed fields";
    for (const name of names.items) {
      const field = fields.entries.get(name);
      const [dtype, offset] = field instanceof PyTuple ? field.items : [];
      if (typeof name !== "string" || !(dtype instanceof Dtype) || typeof offset !== "number") {
        return "a structured dtype has an odd field";
      }
      dtype.frozen = true;
      if (dtype.holdsObjects) return "a structured dtype holds objects";
      if (offset < 0 || !Number.isInteger(offset) || offset + dtype.itemsize > size) {
        return "a field lies outside its structured dtype";
      }
    }
    return null;
  }

  #repeats(subarray: Value): string | null {
    const [base, shape] = subarray instanceof PyTuple ? subarray.items : [];
    const count = shape === undefined ? null : countOf(shape);
    if (!(base instanceof Dtype) || base.holdsObjects || count === null)
      return "a dtype repeats something odd";
    base.frozen = true;
    return base.itemsize * count === this.itemsize ? null : "a repeated dtype has two different sizes";
  }
}

/** Number of elements of a shape; null when it is not a tuple of sizes or too large to be real. */
export function countOf(shape: Value): number | null {
  if (!(shape instanceof PyTuple)) return null;
  let count = 1;
  for (const size of shape.items) {
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0) return null;
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER / 64) return null;
  }
  return count;
}
