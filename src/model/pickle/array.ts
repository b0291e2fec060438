// numpy arrays inside a pickle: their shape, where their bytes are, and their elements as labels.
import { countOf, Dtype } from "./dtype.ts";
import { PyBytes, PyList, PyTuple, type Value } from "./values.ts";
import type { Label } from "../model.ts";

/** Arrays longer than this are weights, not labels or names. */
const mostLabels = 100_000;

/** An array; `data` is null until its state is known. */
export class NdArray {
  shape: readonly Value[] = [0];
  dtype: Dtype | null = null;
  data: PyBytes | readonly Value[] | null = null;

  /** An array whose elements lie in bytes. */
  static of(dtype: Dtype, shape: PyTuple, data: PyBytes | readonly Value[]): NdArray {
    const array = new NdArray();
    dtype.frozen = true;
    array.dtype = dtype;
    array.shape = shape.items;
    array.data = data;
    return array;
  }

  /** Takes the state of `ndarray.__setstate__`; says what is wrong with it, or null. */
  build(state: Value): string | null {
    if (this.data !== null) return "an array is filled twice";
    if (!(state instanceof PyTuple) || state.items.length !== 5)
      return "an array has a state of unknown shape";
    const [version, shape, dtype, , data] = state.items;
    if (version !== 1 || !(shape instanceof PyTuple) || !(dtype instanceof Dtype)) {
      return "an array has a state of unknown shape";
    }
    const count = countOf(shape);
    if (count === null) return "an array has an impossible shape";
    dtype.frozen = true;
    this.dtype = dtype;
    this.shape = shape.items;
    if (dtype.holdsObjects) {
      if (!(data instanceof PyList) || data.items.length !== count)
        return "an object array lacks its objects";
      this.data = data.items;
      return null;
    }
    if (!(data instanceof PyBytes) || data.length !== count * dtype.itemsize) {
      return "an array's bytes do not fit its shape";
    }
    this.data = data;
    return null;
  }

  /** The elements of a one-dimensional array of numbers, truth values or texts; null for any other. */
  labels(): Label[] | null {
    const [count] = this.shape;
    if (this.shape.length !== 1 || typeof count !== "number" || count > mostLabels) return null;
    if (this.data === null || this.dtype === null) return null;
    if (!(this.data instanceof PyBytes)) return labelsOf(this.data);
    const decode = decoderOf(this.dtype);
    if (decode === null) return null;
    const bytes = this.data.read();
    const { itemsize } = this.dtype;
    return labelsOf(
      Array.from({ length: count }, (_, at) => decode(bytes.subarray(at * itemsize, (at + 1) * itemsize))),
    );
  }
}

/** A numpy scalar's value, or null when JavaScript has none for it. */
export function scalarOf(dtype: Dtype, bytes: Buffer): Label | null {
  const value = bytes.length === dtype.itemsize ? decoderOf(dtype)?.(bytes) : undefined;
  return value ?? null;
}

/** The values when every one is a label. */
export function labelsOf(values: readonly Value[]): Label[] | null {
  const isLabel = (value: Value): value is Label =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return values.every(isLabel) ? [...values] : null;
}

function decoderOf(dtype: Dtype): ((bytes: Buffer) => Label | null) | null {
  const { kind, itemsize, littleEndian } = dtype;
  if (kind === "b") return (bytes) => bytes[0] === 1;
  if (kind === "S") return (bytes) => withoutPadding(bytes.toString("latin1"));
  if (kind === "U") return (bytes) => withoutPadding(utf32(bytes, littleEndian));
  if (kind !== "i" && kind !== "u" && kind !== "f") return null;
  return (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (kind === "f") {
      if (itemsize === 8) return finite(view.getFloat64(0, littleEndian));
      return itemsize === 4 ? finite(view.getFloat32(0, littleEndian)) : null;
    }
    if (itemsize === 8) {
      const long = kind === "i" ? view.getBigInt64(0, littleEndian) : view.getBigUint64(0, littleEndian);
      return Number.isSafeInteger(Number(long)) ? Number(long) : null;
    }
    if (kind === "i") return littleEndian ? bytes.readIntLE(0, itemsize) : bytes.readIntBE(0, itemsize);
    return littleEndian ? bytes.readUIntLE(0, itemsize) : bytes.readUIntBE(0, itemsize);
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function withoutPadding(text: string): string {
  return text.replace(/\0+$/, "");
}

function utf32(bytes: Buffer, littleEndian: boolean): string {
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    text += point <= 0x10_ff_ff ? String.fromCodePoint(point) : "\u{FFFD}";
  }
  return text;
}
