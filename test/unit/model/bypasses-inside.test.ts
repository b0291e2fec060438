// Pickles that hide in frames, in byte strings, behind arrays and inside other files.
// Every stream is inert: it is built here, opcode by opcode, and never loaded.
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { found, imported, longBytes, payload } from "./bypass.ts";
import { zipOf } from "./messages.ts";
import { dict, dtype, frame, global, int, pickle, proto, stackGlobal, text, wrapped } from "./pickles.ts";

describe("5: frames that unpicklers read differently", () => {
  test.each<[string, Buffer]>([
    ["an opcode that straddles its end", pickle(proto(4), frame(4), text("posix"), payload, ".")],
    ["an argument that lies behind its end", pickle(proto(4), frame(2), "X", "\x01\0\0\0a", ".")],
    ["a line that straddles its end", pickle(proto(4), frame(3), global("posix", "system"), ".")],
    ["a STOP inside of it", pickle(proto(4), frame(40), "N.", payload, ".", Buffer.alloc(40, "N"))],
    ["a frame that ends past the file", pickle(proto(4), frame(1_000), payload, ".")],
    ["a frame of 2^63 bytes", pickle(proto(4), "\x95", Buffer.alloc(8, 0xff), "N.")],
    ["a frame in a frame", pickle(proto(4), frame(30), frame(2), "N.", payload)],
    [
      "raw array bytes in a frame",
      pickle(proto(4), frame(400), wrapped("f8", 1, 0, Buffer.alloc(8)), Buffer.alloc(200, "N"), "."),
    ],
  ])("%s", (_name, stream) => {
    expect(found(stream).length).toBeGreaterThan(0);
  });
});

describe("9: loads inside loads", () => {
  const inner = pickle(proto(4), payload, ".");
  test.each([
    ["numpy", "load"],
    ["joblib.numpy_pickle", "load"],
    ["torch.serialization", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["pickle", "_loads"],
    ["keras.src.saving.saving_lib", "load_model"],
  ])("%s.%s", (module, name) => {
    expect(found(pickle(proto(4), stackGlobal(module, name), longBytes(inner), "\x85R."))).toContain(
      `unknown-global ${module}.${name}`,
    );
  });

  test.each<[string, Buffer]>([
    ["a pickle", inner],
    ["a pickle that breaks off", pickle(proto(4), payload, "\xff")],
    ["a pickle in a zip", zipOf([{ name: "m/data.pkl", data: inner }])],
    ["a zip in a zip", zipOf([{ name: "a", data: zipOf([{ name: "b", data: inner }]) }])],
    ["a pickle that is compressed", deflateSync(inner)],
    ["a pickle that is compressed twice", gzipSync(deflateSync(inner))],
    ["a pickle in a pickle", pickle(proto(4), longBytes(inner), ".")],
  ])("%s in a byte string", (_name, content) => {
    for (const opcode of ["B", "\x8e", "\x96"]) {
      const length = Buffer.alloc(opcode === "B" ? 4 : 8);
      length.writeUInt32LE(content.length);
      expect(found(pickle(proto(5), opcode, length, content, "."))).toContain(imported);
    }
  });

  test("an archive in a byte string that cannot be read is refused, too", () => {
    expect(found(pickle(proto(4), longBytes(zipOf([{ name: "a", data: inner, crc: 1 }])), "."))).toEqual([
      "archive",
    ]);
  });

  test("an array of objects behind numpy's header", () => {
    const header = Buffer.from("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".padEnd(117) + "\n");
    const length = Buffer.alloc(2);
    length.writeUInt16LE(header.length);
    const npy = Buffer.concat([Buffer.from("\x93NUMPY\x01\0", "latin1"), length, header, inner]);
    expect(found(pickle(proto(4), longBytes(npy), "."))).toContain(imported);
    expect(found(pickle(proto(4), longBytes(zipOf([{ name: "a.npy", data: npy }])), "."))).toContain(
      imported,
    );
  });

  test("numbers that begin as a pickle or as compressed data do stay numbers", () => {
    const numbers = (beginning: string) =>
      Buffer.concat([Buffer.from(beginning, "latin1"), Buffer.alloc(30, 7)]);
    for (const beginning of ["\x80\x04\x95abc", "\x78\x9cabc", "\x80\x02Q", "\x1f\x8b\x08"]) {
      expect(found(pickle(proto(4), longBytes(numbers(beginning)), "."))).toEqual([]);
    }
  });
});

describe("10: joblib's raw arrays", () => {
  const wrapper = (state: Record<string, string | Uint8Array>, data: Uint8Array): Buffer =>
    pickle(
      stackGlobal("joblib.numpy_pickle", "NumpyArrayWrapper"),
      ")\x81",
      dict({
        subclass: stackGlobal("numpy", "ndarray"),
        shape: pickle(int(4), "\x85"),
        order: text("C"),
        dtype: dtype("u1"),
        allow_mmap: "\x88",
        ...state,
      }),
      "b",
      data,
    );

  test("what stands behind an array is read, what is in it is not", () => {
    expect(found(pickle(proto(4), wrapped("u1", 4, 0, Buffer.from("N.N.")), "0", payload, "."))).toEqual([
      imported,
    ]);
    expect(found(pickle(proto(4), wrapper({}, Buffer.from("(((.")), "."))).toEqual([]);
  });

  test.each<[string, Buffer]>([
    // Were the method replaced, nothing would be skipped, and the array's bytes would be instructions.
    [
      "a wrapper whose read method is replaced",
      pickle(proto(4), wrapper({ read: stackGlobal("numpy", "equal") }, Buffer.from("0N.x")), "."),
    ],
    [
      "a wrapper with a second reader",
      pickle(proto(4), wrapper({ read_array: stackGlobal("numpy", "equal") }, Buffer.from("0N.x")), "."),
    ],
    [
      "a wrapper made with arguments",
      pickle(proto(4), stackGlobal("joblib.numpy_pickle", "NumpyArrayWrapper"), "N\x85\x81N."),
    ],
    [
      "a wrapper of another class",
      pickle(proto(4), wrapper({ subclass: stackGlobal("numpy", "memmap") }, Buffer.alloc(4)), "."),
    ],
    [
      "a shape that is negative",
      pickle(proto(4), wrapper({ shape: pickle(int(-4), "\x85") }, Buffer.alloc(4)), "."),
    ],
    ["a shape that is no tuple", pickle(proto(4), wrapper({ shape: int(4) }, Buffer.alloc(4)), ".")],
    [
      "a structured dtype with objects",
      pickle(proto(4), wrapper({ dtype: dtype("V8", 63) }, Buffer.alloc(32)), "."),
    ],
    [
      "joblib's older wrapper",
      pickle(proto(2), global("joblib.numpy_pickle_compat", "ZNDArrayWrapper"), ")\x81}b."),
    ],
  ])("%s", (_name, stream) => {
    expect(found(stream).length).toBeGreaterThan(0);
  });

  test("a state that was copied first does not follow later changes", () => {
    // OrderedDict(state) is a copy in Python. Were it the same dict, the shape that counts would be the wrong one.
    const state = dict({
      subclass: stackGlobal("numpy", "ndarray"),
      shape: pickle(int(0), "\x85"),
      order: text("C"),
      dtype: dtype("u1"),
      allow_mmap: "\x88",
    });
    const hidden = pickle("0", payload, ".");
    const stream = pickle(
      proto(4),
      state,
      "\x94",
      stackGlobal("collections", "OrderedDict"),
      "h\0\x85R",
      text("shape"),
      int(hidden.length),
      "\x85s00",
      stackGlobal("joblib.numpy_pickle", "NumpyArrayWrapper"),
      ")\x81h\0b",
      hidden,
      ".",
    );
    expect(found(stream)).toContain(imported);
  });
});
