// joblib's way with arrays: after the BUILD of a NumpyArrayWrapper the array's bytes follow in the stream.
// Source: joblib/numpy_pickle.py, NumpyArrayWrapper.write_array.
import { NdArray } from "./array.ts";
import { countOf, Dtype } from "./dtype.ts";
import { Global, PyTuple, type Instance, type Value } from "./values.ts";
import { Unreadable } from "../unreadable.ts";
import type { Decoder } from "./decode.ts";

export const wrapperName = "joblib.numpy_pickle.NumpyArrayWrapper";

/** What joblib writes into a wrapper. Another name could replace the method that reads the bytes. */
const members = new Set(["subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"]);

/**
 * Reads the array that a wrapper announces, and steps over its bytes. An array of objects is a pickle
 * of its own, which `readNested` walks.
 * @throws Unreadable when the wrapper is not one that joblib writes, or the bytes are cut short.
 */
export function readWrapped(wrapper: Instance, decoder: Decoder, readNested: () => Value): NdArray {
  const offset = decoder.position;
  for (const name of wrapper.state.entries.keys()) {
    if (typeof name === "string" && members.has(name)) continue;
    throw new Unreadable(offset, "a joblib array has members of its own, which may replace its methods");
  }
  const subclass = wrapper.state.get("subclass");
  const shape = wrapper.state.get("shape");
  const dtype = wrapper.state.get("dtype");
  const alignment = wrapper.state.get("numpy_array_alignment_bytes") ?? null;
  if (!(subclass instanceof Global) || subclass.name !== "numpy.ndarray") {
    throw new Unreadable(offset, "a joblib array is not of class numpy.ndarray");
  }
  const count = countOf(shape ?? null);
  if (!(shape instanceof PyTuple) || !(dtype instanceof Dtype) || count === null || dtype.itemsize === 0) {
    throw new Unreadable(offset, "a joblib array has no shape or dtype");
  }
  dtype.frozen = true;
  decoder.leaveFrame();
  if (dtype.holdsObjects) {
    const array = readNested();
    if (!(array instanceof NdArray)) throw new Unreadable(offset, "a joblib object array holds no array");
    return array;
  }
  if (alignment !== null) decoder.skip(decoder.skip(1).read().readUInt8());
  return NdArray.of(dtype, shape, decoder.skip(count * dtype.itemsize));
}
