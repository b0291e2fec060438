// What calling an allowed global gives, or why the call is refused. One rule per function.
import { NdArray, scalarOf } from "./array.ts";
import { isLossMaker, isUfunc } from "./allowed.ts";
import { countOf, Dtype } from "./dtype.ts";
import { wrapperName } from "./joblib.ts";
import { bytesOf } from "../bytes.ts";
import { Global, Instance, Opaque, PyBytes, PyDict, PyList, PySet, PyTuple, type Value } from "./values.ts";

/** A call whose arguments are not those of any model. */
export class Refused {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** What calling an allowed function with these arguments gives, or why that is refused. */
export type Call = (args: readonly Value[]) => Value | Refused;

/** The refusal of a call with arguments that no model has. */
export const odd = new Refused("its arguments are not those that a model is saved with");

/**
 * The result of calling a global that is permitted as function, class or by the user's trust.
 * `keyed` says that there are keyword arguments too; only classes take those. `callOf` gives the rule
 * of a function by its qualified name.
 */
export function call(
  callee: Global,
  args: readonly Value[],
  keyed: boolean,
  callOf: (name: string) => Call | undefined,
): Value | Refused {
  if (callee.permission === "trusted") return new Instance(callee.name, true);
  if (callee.permission === "value") return new Refused("it may be referred to, but not called");
  if (callee.permission === "class") return construct(callee, args.length > 0 || keyed);
  const rule = callOf(callee.name);
  if (rule === undefined || keyed) return odd;
  return rule(args);
}

function construct(of: Global, withArguments: boolean): Value | Refused {
  // joblib makes its wrappers empty; arguments would set members that `readWrapped` does not see.
  if (of.name === wrapperName && withArguments) return odd;
  if (of.name.startsWith("sklearn.") && of.name.endsWith(".Bunch")) return new PyDict();
  return new Instance(of.name);
}

/** `newObj(cls)`, `__pyx_unpickle_X(cls, checksum, state)`: an empty object of an allowed class. */
const instanceOfFirst: Call = ([of]) =>
  of instanceof Global && of.permission === "class" ? new Instance(of.name) : odd;

const reconstruct: Call = ([of, shape, kind]) => {
  const plain = of instanceof Global && of.name === "numpy.ndarray";
  const empty = shape instanceof PyTuple && shape.items.length === 1 && shape.items[0] === 0;
  return plain && empty && (kind instanceof PyBytes || typeof kind === "string") ? new NdArray() : odd;
};

const scalar: Call = ([dtype, bytes]) => {
  if (!(dtype instanceof Dtype) || dtype.holdsObjects || !(bytes instanceof PyBytes)) return odd;
  dtype.frozen = true;
  return bytes.length > 4096 ? new Opaque(false) : (scalarOf(dtype, bytes.read()) ?? new Opaque(false));
};

const fromBuffer: Call = ([bytes, dtype, shape]) => {
  if (!(bytes instanceof PyBytes) || !(dtype instanceof Dtype) || !(shape instanceof PyTuple)) return odd;
  const count = countOf(shape);
  if (dtype.holdsObjects || count === null || count * dtype.itemsize !== bytes.length) return odd;
  return NdArray.of(dtype, shape, bytes);
};

const ufunc: Call = ([module, name]) =>
  module === "numpy" && typeof name === "string" && isUfunc(name)
    ? new Global(`numpy.${name}`, "value")
    : odd;

/** Bytes as protocols below 3 write them: latin-1 text that is encoded again. */
const encode: Call = ([text, encoding]) => {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return odd;
  if (/[^\0-\u00FF]/.test(text)) return odd;
  const bytes = Buffer.from(text, "latin1");
  return new PyBytes(bytesOf(bytes), 0, bytes.length);
};

const bytes: Call = (args) => {
  const [first, encoding] = args;
  if (args.length === 0) return new PyBytes(bytesOf(Buffer.alloc(0)), 0, 0);
  if (args.length === 1 && first instanceof PyBytes) return first;
  return args.length === 2 ? encode([first ?? null, encoding ?? null]) : odd;
};

const reconstructor: Call = ([of, base, state]) => {
  const plain = base instanceof Global && base.name === "builtins.object" && state === null;
  return plain ? instanceOfFirst([of ?? null]) : odd;
};

const set: Call = (args) => {
  const [items] = args;
  if (args.length === 0) return new PySet();
  return args.length === 1 && items instanceof PyList ? new PySet([...items.items]) : odd;
};

const dict: Call = (args) => {
  const [first] = args;
  if (args.length === 0 || (args.length === 1 && (first === null || first instanceof Global)))
    return new PyDict();
  if (args.length !== 1) return odd;
  const made = new PyDict();
  // Python copies: what is put into the copy later must not be seen in the first, nor the other way.
  if (first instanceof PyDict) {
    for (const [key, value] of first.entries) made.entries.set(key, value);
    return made;
  }
  for (const pair of first instanceof PyList ? first.items : []) {
    const [key, value] = pair instanceof PyTuple || pair instanceof PyList ? pair.items : [];
    if (typeof key !== "string" || value === undefined) return odd;
    made.entries.set(key, value);
  }
  return first instanceof PyList ? made : odd;
};

const small: Call = (args) => {
  const plain = (value: Value): boolean =>
    value === null || typeof value !== "object" || (value instanceof PyBytes && value.length < 64);
  return args.length <= 8 && args.every((value) => plain(value) || value instanceof Opaque)
    ? new Opaque(false)
    : odd;
};

const masked: Call = ([of, base]) => {
  const known =
    of instanceof Global && (of.name === "numpy.ma.MaskedArray" || of.name === "numpy.ma.core.MaskedArray");
  return known && base instanceof Global && base.name === "numpy.ndarray" ? new Instance(of.name) : odd;
};

/** numpy's random state: a bit generator's name or class, or one that was made so. */
const random: Call = (args) =>
  args.every(
    (value) =>
      value === null ||
      typeof value === "string" ||
      typeof value === "number" ||
      (value instanceof Instance && value.of === "numpy.random") ||
      (value instanceof Global && value.name.startsWith("numpy.random.")),
  )
    ? new Instance("numpy.random")
    : odd;

/** The rule of a function that pickles of scikit-learn, numpy and Python's own types call. */
export function estimatorCall(name: string): Call | undefined {
  return isLossMaker(name) ? instanceOfFirst : calls.get(name);
}

const calls: ReadonlyMap<string, Call> = new Map([
  ["_codecs.encode", encode],
  ["copyreg._reconstructor", reconstructor],
  ["builtins.set", set],
  ["builtins.frozenset", set],
  ["builtins.bytearray", bytes],
  ["builtins.bytes", bytes],
  ["builtins.complex", small],
  ["builtins.slice", small],
  ["builtins.range", small],
  ["collections.OrderedDict", dict],
  ["collections.defaultdict", dict],
  ["collections.Counter", dict],
  ["datetime.date", small],
  ["datetime.datetime", small],
  ["datetime.time", small],
  ["datetime.timedelta", small],
  ["datetime.timezone", small],
  ["decimal.Decimal", small],
  ["numpy.dtype", (args: readonly Value[]) => Dtype.called(args) ?? odd],
  ["numpy.core.multiarray._reconstruct", reconstruct],
  ["numpy._core.multiarray._reconstruct", reconstruct],
  ["numpy.core.multiarray.scalar", scalar],
  ["numpy._core.multiarray.scalar", scalar],
  ["numpy.core.numeric._frombuffer", fromBuffer],
  ["numpy._core.numeric._frombuffer", fromBuffer],
  ["numpy.core._ufunc_reconstruct", ufunc],
  ["numpy._core._ufunc_reconstruct", ufunc],
  ["numpy.ma.core._mareconstruct", masked],
  ["numpy.random._pickle.__randomstate_ctor", random],
  ["numpy.random._pickle.__generator_ctor", random],
  ["numpy.random._pickle.__bit_generator_ctor", random],
  ["numpy.random.bit_generator.__pyx_unpickle_SeedSequence", random],
  ["sklearn.neighbors._kd_tree.newObj", instanceOfFirst],
  ["sklearn.neighbors._ball_tree.newObj", instanceOfFirst],
  ["sklearn.neighbors.kd_tree.newObj", instanceOfFirst],
  ["sklearn.neighbors.ball_tree.newObj", instanceOfFirst],
  ["sklearn.metrics._dist_metrics.newObj", instanceOfFirst],
  ["sklearn.metrics._dist_metrics.newObj32", instanceOfFirst],
  ["sklearn.metrics._dist_metrics.newObj64", instanceOfFirst],
  ["sklearn.neighbors._dist_metrics.newObj", instanceOfFirst],
]);
