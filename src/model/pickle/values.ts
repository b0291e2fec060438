// The values that a pickle builds, as far as they can be known without running anything.
import type { ByteSource } from "../bytes.ts";
import type { Dtype } from "./dtype.ts";
import type { NdArray } from "./array.ts";

/** A Python value. Numbers that JavaScript holds exactly are `number`, longer ones `bigint`. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | PyBytes
  | PyTuple
  | PyList
  | PyDict
  | PySet
  | Global
  | Instance
  | Dtype
  | NdArray
  | Opaque;

/** Bytes, left where they are until somebody asks. */
export class PyBytes {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;

  constructor(source: ByteSource, offset: number, length: number) {
    this.source = source;
    this.offset = offset;
    this.length = length;
  }

  read(): Buffer {
    return this.source.read(this.offset, this.length);
  }
}

export class PyTuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

export class PyList {
  readonly items: Value[];

  constructor(items: Value[] = []) {
    this.items = items;
  }
}

/** A dict or one of its subclasses. Keys that are not primitive are held by identity. */
export class PyDict {
  readonly entries = new Map<Value, Value>();

  /** The value of a text key. */
  get(key: string): Value | undefined {
    return this.entries.get(key);
  }
}

export class PySet {
  readonly items: Value[];

  constructor(items: Value[] = []) {
    this.items = items;
  }
}

/**
 * What may be done with a global: `class` makes instances, `function` is called with arguments that
 * are checked one by one, `value` is only passed around, `trusted` was allowed by the user by name.
 */
export type Permission = "class" | "function" | "value" | "trusted";

/** A name imported by the pickle, and allowed. */
export class Global {
  readonly name: string;
  readonly permission: Permission;

  constructor(name: string, permission: Permission) {
    this.name = name;
    this.permission = permission;
  }
}

/** An object of an allowed class. */
export class Instance {
  readonly of: string;
  /** Its attributes as far as the pickle sets them by name. */
  readonly state = new PyDict();
  /** Whether its class is one that the user allowed: then what it takes is not checked. */
  readonly trusted: boolean;

  constructor(of: string, trusted = false) {
    this.of = of;
    this.trusted = trusted;
  }
}

/** A value whose content nobody needs, or whose making was reported as a finding. */
export class Opaque {
  readonly reported: boolean;

  constructor(reported: boolean) {
    this.reported = reported;
  }
}

/** What a finding calls a value. */
export function describe(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Global) return value.name;
  if (value instanceof Instance) return `an instance of ${value.of}`;
  if (value instanceof PyBytes) return "bytes";
  if (value instanceof PyTuple) return "a tuple";
  if (value instanceof PyList) return "a list";
  if (value instanceof PyDict) return "a dict";
  if (value instanceof PySet) return "a set";
  if (value instanceof Opaque) return "a value that is not known";
  if (typeof value === "object") return "numpy data";
  return typeof value === "string" ? "a text" : "a number";
}
