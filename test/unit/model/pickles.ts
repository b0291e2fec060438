// Builds pickle streams opcode by opcode. Nothing here is ever loaded by Python.

/** Bytes of opcodes: texts stand for latin-1 bytes. */
export function pickle(...parts: (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));
}

export const proto = (version: number): string => `\x80${String.fromCharCode(version)}`;

/** SHORT_BINUNICODE. */
export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, "utf8");
  return pickle("\x8c", Uint8Array.of(bytes.length), bytes);
};

/** GLOBAL, as protocols below 4 import. */
export const global = (module: string, name: string): string => `c${module}\n${name}\n`;

/** STACK_GLOBAL, as protocols from 4 on import. */
export const stackGlobal = (module: string, name: string): Buffer => pickle(text(module), text(name), "\x93");

/** SHORT_BINBYTES. */
export const bytes = (value: Uint8Array): Buffer => pickle("C", Uint8Array.of(value.length), value);

/** FRAME with this length, whatever follows it. */
export const frame = (length: number): Buffer => {
  const header = Buffer.alloc(9);
  header[0] = 0x95;
  header.writeBigUInt64LE(BigInt(length), 1);
  return header;
};

/** BININT. */
export const int = (value: number): Buffer => {
  const out = Buffer.alloc(5);
  out[0] = 0x4a;
  out.writeInt32LE(value, 1);
  return out;
};

/** A dict of text keys. */
export const dict = (entries: Record<string, string | Uint8Array>): Buffer =>
  pickle("}(", ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), "u");

/** numpy.dtype(code, False, True) with the state that numpy writes. */
export const dtype = (code: string, flags = code.startsWith("O") ? 63 : 0): Buffer =>
  pickle(
    stackGlobal("numpy", "dtype"),
    text(code),
    "\x89\x88\x87R",
    "(K\x03",
    text(code.startsWith("O") ? "|" : "<"),
    "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
    int(flags),
    "tb",
  );

/** numpy's _reconstruct and BUILD with raw bytes. */
export const array = (code: string, shape: number, data: Uint8Array): Buffer =>
  pickle(
    stackGlobal("numpy._core.multiarray", "_reconstruct"),
    stackGlobal("numpy", "ndarray"),
    "K\0\x85",
    bytes(Buffer.from("b")),
    "\x87R",
    "(K\x01",
    int(shape),
    "\x85",
    dtype(code),
    "\x89",
    bytes(data),
    "tb",
  );

/** joblib's wrapper with its raw bytes behind it, as joblib 1.2 and later align them. */
export const wrapped = (code: string, count: number, padding: number, data: Uint8Array): Buffer =>
  pickle(
    stackGlobal("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ")\x81",
    dict({
      subclass: stackGlobal("numpy", "ndarray"),
      shape: pickle(int(count), "\x85"),
      order: text("C"),
      dtype: dtype(code),
      allow_mmap: "\x88",
      numpy_array_alignment_bytes: "K\x10",
    }),
    "b",
    Uint8Array.of(padding),
    Buffer.alloc(padding, 0xff),
    data,
  );
