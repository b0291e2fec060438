// What BUILD may put into an object: attributes by name, or the state that a known class takes.
import { NdArray } from "./array.ts";
import { countOf, Dtype } from "./dtype.ts";
import { describe, Instance, Opaque, PyBytes, PyDict, PyList, PyTuple, type Value } from "./values.ts";

/** Compiled classes that read a tuple in their own `__setstate__`. */
const takesTuple =
  /^(_loss\.Cy|sklearn\.(_loss\._loss\.Cy|metrics\._dist_metrics\.|neighbors\.(_kd_tree|_ball_tree|kd_tree|ball_tree|_dist_metrics)\.)|numpy\.random$)/;
const special = /^__.*__$/;

/** Gives `target` its state; says why that is refused, or null. */
export function build(target: Value, state: Value): string | null {
  if (target instanceof Opaque && target.reported) return null;
  if (target instanceof Dtype || target instanceof NdArray) return target.build(state);
  if (target instanceof PyDict)
    return state === null || state instanceof PyDict ? specialName(state) : odd(target, state);
  if (!(target instanceof Instance)) return `${describe(target)} is given attributes`;
  if (target.trusted || state === null || (state instanceof Opaque && state.reported)) return null;
  if (state instanceof PyDict) return attributes(target, state);
  if (!(state instanceof PyTuple)) return odd(target, state);
  if (target.of.startsWith("numpy.ma.")) return masked(state);
  return takesTuple.test(target.of) ? null : odd(target, state);
}

function attributes(target: Instance, state: PyDict): string | null {
  const refused = specialName(state);
  if (refused !== null) return refused;
  for (const [key, value] of state.entries) target.state.entries.set(key, value);
  return null;
}

/** An attribute such as `__setstate__` would replace what the next BUILD calls. */
function specialName(state: PyDict | null): string | null {
  for (const key of state?.entries.keys() ?? []) {
    if (typeof key !== "string") return "an attribute has a name that is not a text";
    if (special.test(key)) return `the attribute ${key} would replace a method`;
  }
  return null;
}

/** `(version, shape, dtype, fortran, data, mask, fill value)` of numpy's MaskedArray. */
function masked(state: PyTuple): string | null {
  const [, shape, dtype, , data, mask] = state.items;
  const count = countOf(shape ?? null);
  if (count === null || !(dtype instanceof Dtype) || !(mask instanceof PyBytes))
    return "a masked array has an odd state";
  dtype.frozen = true;
  const fits = dtype.holdsObjects
    ? data instanceof PyList && data.items.length === count
    : data instanceof PyBytes && data.length === count * dtype.itemsize;
  return fits ? null : "a masked array's data do not fit its shape";
}

function odd(target: Value, state: Value): string {
  return `${describe(target)} is given ${describe(state)} as state`;
}
