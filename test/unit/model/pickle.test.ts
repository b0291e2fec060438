// What the pickle reader refuses, and that it says where. Every stream is inert: it is built here and never loaded.
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { Instance } from "../../../src/model/pickle/values.ts";
import { walkPickle } from "../../../src/model/pickle/walk.ts";
import { NdArray } from "../../../src/model/pickle/array.ts";
import {
  array,
  bytes,
  dict,
  dtype,
  frame,
  global,
  int,
  pickle,
  proto,
  stackGlobal,
  text,
  wrapped,
} from "./pickles.ts";

const walk = (stream: Uint8Array, trust: string[] = []) => walkPickle(bytesOf(stream), "model.joblib", trust);
const rules = (stream: Uint8Array, trust: string[] = []): string[] =>
  walk(stream, trust).findings.map(({ rule }) => rule);
const names = (stream: Uint8Array): (string | null)[] =>
  walk(stream).findings.map((finding) => finding.global);

const estimator = (...state: (string | Uint8Array)[]) =>
  pickle(stackGlobal("sklearn.linear_model._logistic", "LogisticRegression"), ")\x81", ...state);

describe("what a model is made of passes", () => {
  test.each<[string, Buffer]>([
    ["an estimator with a state", pickle(proto(4), estimator(dict({ C: "K\x01" }), "b."))],
    ["an estimator of protocol 2", pickle(proto(2), global("sklearn.svm._classes", "SVC"), ")\x81}b.")],
    [
      "an estimator of protocol 0",
      pickle(
        global("copy_reg", "_reconstructor"),
        "(",
        global("sklearn.svm._classes", "SVC"),
        global("__builtin__", "object"),
        "NtR(dp0\nb.",
      ),
    ],
    ["a numpy array", pickle(proto(4), array("i8", 1, Buffer.alloc(8)), ".")],
    ["an array of joblib", pickle(proto(4), wrapped("f8", 2, 3, Buffer.alloc(16)), ".")],
    ["an empty array of joblib", pickle(proto(4), wrapped("f8", 0, 15, Buffer.alloc(0)), ".")],
    [
      "a ufunc as parameter",
      pickle(proto(4), estimator(dict({ func: stackGlobal("numpy", "log1p") }), "b.")),
    ],
    ["a frame", pickle(proto(4), frame(2), "N.")],
    ["two pickles", pickle(proto(4), "N.", proto(2), "].")],
    [
      "bytes of Python 2",
      pickle(proto(2), global("_codecs", "encode"), "(", "V\xe9\\u0041\n", "V", "latin1\n", "tR."),
    ],
  ])("%s", (_name, stream) => {
    expect(walk(stream).findings).toEqual([]);
  });

  test("a name that the user trusts, and only that", () => {
    const stream = pickle(proto(4), stackGlobal("acme.features", "Clean"), ")R", dict({ a: "K\x01" }), "b.");
    expect(names(stream)).toEqual(["acme.features.Clean"]);
    expect(rules(stream, ["acme.features.Clean"])).toEqual([]);
    expect(rules(stream, ["acme.features", "Clean"])).toEqual(["unknown-global"]);
  });
});

describe("names outside the list are refused, wherever and however they are imported", () => {
  const payloads: [string, string][] = [
    ["posix", "system"],
    ["os", "system"],
    ["builtins", "eval"],
    ["builtins", "getattr"],
    ["builtins", "type"],
    ["__builtin__", "exec"],
    ["pkgutil", "resolve_name"],
    ["_operator", "attrgetter"],
    ["operator", "methodcaller"],
    ["uuid", "_get_command_stdout"],
    ["_osx_support", "_read_output"],
    ["_aix_support", "_read_cmd_output"],
    ["imaplib", "IMAP4_stream"],
    ["cProfile", "runctx"],
    ["numpy.f2py.crackfortran", "getlincoef"],
    ["numpy.testing._private.utils", "runstring"],
    ["functools", "partial"],
    ["joblib", "load"],
    ["joblib.numpy_pickle_compat", "NDArrayWrapper"],
    ["torch", "load"],
    ["sklearn.utils._testing", "TempMemmap"],
    ["sklearn.utils.parallel", "Parallel"],
    ["sklearn.ensemble._forest", "Parallel"],
    ["sklearn.ensemble._forest", "DOUBLE"],
    ["sklearn.datasets._base", "load_files"],
    ["sklearn.externals.SVC", "SVC"],
    ["scipy.stats._continuous_distns", "uniform_gen"],
    ["logging.config", "listen"],
    ["pathlib", "PosixPath"],
    ["re", "_compile"],
  ];

  test.each(payloads)("%s.%s", (module, name) => {
    const qualified = `${module === "__builtin__" ? "builtins" : module}.${name}`;
    for (const imported of [global(module, name), stackGlobal(module, name)]) {
      expect(names(pickle(proto(4), imported, "(", text("true"), "tR."))).toEqual([qualified]);
      expect(names(pickle(proto(4), imported, ")\x81."))).toEqual([qualified]);
      expect(names(pickle(proto(4), "(", imported, text("true"), "o."))).toEqual([qualified]);
    }
    expect(names(pickle("(", text("true"), "i", `${module}\n${name}\n`, "."))).toEqual([qualified]);
  });

  test("the offset is that of the opcode that imports", () => {
    const before = pickle(proto(4), text("posix"), text("system"));
    expect(walk(pickle(before, "\x93)R.")).findings[0]).toMatchObject({
      offset: before.length,
      global: "posix.system",
      file: "model.joblib",
    });
    expect(walk(pickle(proto(2), "N0", global("posix", "system"), ".")).findings[0]).toMatchObject({
      offset: 4,
    });
  });

  test("a parameter of an estimator, a result that is thrown away, a second pickle", () => {
    expect(names(pickle(proto(4), estimator(dict({ func: stackGlobal("os", "system") }), "b.")))).toEqual([
      "os.system",
    ]);
    expect(names(pickle(proto(4), "(", stackGlobal("os", "system"), text("id"), "o0N."))).toEqual([
      "os.system",
    ]);
    expect(names(pickle(proto(4), "N.", proto(4), stackGlobal("os", "system"), ".", "trailing"))).toContain(
      "os.system",
    );
  });

  test("a name behind a joblib array, in its nested pickle, and after damage", () => {
    const evil = pickle(stackGlobal("os", "system"), ")R");
    expect(names(pickle(proto(4), "(", wrapped("f8", 3, 7, Buffer.alloc(24)), evil, "t."))).toEqual([
      "os.system",
    ]);
    expect(
      names(pickle(proto(4), wrapped("O8", 1, 0, Buffer.alloc(0)).subarray(0, -1), proto(4), evil, ".")),
    ).toContain("os.system");
    expect(rules(pickle(proto(4), evil, "\xff"))).toEqual(["unknown-global", "damaged"]);
  });

  test("array bytes that look like opcodes are not read as such", () => {
    const data = pickle(global("posix", "system"), ")R.");
    const padded = Buffer.concat([data, Buffer.alloc(8 - (data.length % 8))]);
    expect(
      walk(pickle(proto(4), wrapped("f8", padded.length / 8, 0, padded), ".")).globals.has("posix.system"),
    ).toBe(false);
  });
});

describe("what cannot be proved is refused", () => {
  const evil = (...parts: (string | Uint8Array)[]) => rules(pickle(proto(4), ...parts));
  test.each<[string, string[]]>([
    ["a dotted name", evil(stackGlobal("pathlib", "os.system"), ".")],
    ["a dotted name in an allowed module", evil(stackGlobal("sklearn.svm", "SVC.__init__.__globals__"), ".")],
    ["a name that is no text", evil(text("os"), "K\x01\x93.")],
    [
      "a name from a call",
      evil(text("os"), global("_codecs", "encode"), "(", text("system"), text("latin1"), "tR\x93."),
    ],
    ["a line break in a name", evil(stackGlobal("os\nsystem", "x"), ".")],
    ["the extension registry", evil("\x82\x01.")],
    ["a persistent id", evil("K\x01Q.")],
    ["a persistent id of protocol 0", evil("Pabc\n.")],
    ["a buffer from outside", evil("\x97.")],
    ["calling a value", evil(stackGlobal("numpy", "log1p"), "(K\x01tR.")],
    ["calling a type", evil(stackGlobal("builtins", "dict"), ")R.")],
    ["calling an instance", evil(estimator("}b)R."))],
    ["making an object of a function", evil(stackGlobal("numpy", "dtype"), ")\x81.")],
    ["attributes of a class", evil(stackGlobal("sklearn.svm._classes", "SVC"), dict({ fit: "N" }), "b.")],
    ["slots", evil(estimator("N", dict({ a: "N" }), "\x86b."))],
    [
      "an attribute that replaces a method",
      evil(estimator(dict({ __setstate__: stackGlobal("numpy", "log1p") }), "b.")),
    ],
    ["items put into an instance", evil(estimator("(", text("a"), "Nu."))],
    ["appending to an instance", evil(estimator("Na."))],
    ["an instance as key", evil("}", estimator("}b"), "Ns.")],
    ["tuples in tuples as key", evil("}N\x85\x85\x85\x85\x85Ns.")],
    [
      "a ufunc from another module",
      evil(stackGlobal("numpy.core", "_ufunc_reconstruct"), text("os"), text("system"), "\x86R."),
    ],
    [
      "a ufunc that is none",
      evil(stackGlobal("numpy.core", "_ufunc_reconstruct"), text("numpy"), text("load"), "\x86R."),
    ],
    ["a huge allocation", evil(stackGlobal("builtins", "bytearray"), int(2_000_000_000), "\x85R.")],
    [
      "another class through _reconstruct",
      evil(
        stackGlobal("numpy.core.multiarray", "_reconstruct"),
        stackGlobal("builtins", "dict"),
        "K\0\x85C\x01b\x87R.",
      ),
    ],
    ["a plain dtype that claims to hold objects", evil(dtype("f8", 63), ".")],
    ["an object dtype without its flags", evil(dtype("O8", 0), ".")],
    [
      "an object scalar",
      evil(stackGlobal("numpy.core.multiarray", "scalar"), dtype("O8"), bytes(Buffer.alloc(8)), "\x86R."),
    ],
    ["array bytes of another length", evil(array("i8", 2, Buffer.alloc(8)), ".")],
  ])("%s", (_name, found) => {
    expect(found).not.toEqual([]);
    expect(found).not.toContain("damaged");
  });
});

describe("streams that unpicklers read differently, or not at all, are refused", () => {
  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["no STOP", pickle(proto(4), "N")],
    ["an unknown opcode", pickle(proto(4), "\xfeN.")],
    ["an empty stack", pickle(proto(4), ".")],
    ["a value below the mark", pickle(proto(4), "N(0R.")],
    ["a mark that is missing", pickle(proto(4), "Nt.")],
    ["values left over", pickle(proto(4), "NN.")],
    ["a memo key never stored", pickle(proto(4), "h\x05.")],
    ["a memo key that only allocates", pickle(proto(4), "Nr\xff\xff\xff\x7f.")],
    ["a memo key with a sign", pickle(proto(2), "Np-1\n.")],
    ["a memo key with an underscore", pickle(proto(2), "Np1_0\n.")],
    ["a frame past the end", pickle(proto(4), frame(100), "N.")],
    ["a frame inside a frame", pickle(proto(4), frame(11), frame(2), "N.")],
    ["an opcode that straddles its frame", pickle(proto(4), frame(3), text("abc"), ".")],
    ["a frame that goes on after STOP", pickle(proto(4), frame(5), "N.NNN")],
    ["an empty frame", pickle(proto(4), frame(0), "N.")],
    ["a protocol in the middle", pickle(proto(4), "N", proto(4), ".")],
    ["protocol 9", pickle(proto(9), "N.")],
    ["a text longer than the file", pickle(proto(4), "X\xff\xff\xff\x7fabc.")],
    ["bytes of 2^63", pickle(proto(4), "\x8e", Buffer.alloc(8, 0x7f), ".")],
    ["an integer of 2 GB", pickle(proto(4), "\x8b\xff\xff\xff\x7f.")],
    ["a dict with a key only", pickle(proto(4), "}(Nu.")],
    ["an array that is cut short", pickle(proto(4), wrapped("f8", 1000, 0, Buffer.alloc(8)), ".")],
    ["a shape that overflows", pickle(proto(4), wrapped("f8", 2 ** 31 - 1, 0, Buffer.alloc(8)), ".")],
    [
      "array data that begin inside a frame",
      pickle(
        proto(4),
        frame(wrapped("f8", 0, 0, Buffer.alloc(0)).length + 1),
        wrapped("f8", 0, 0, Buffer.alloc(0)),
        ".",
      ),
    ],
  ])("%s", (_name, stream) => {
    expect(rules(stream).length).toBeGreaterThan(0);
  });

  test("bytes behind the last pickle", () => {
    expect(rules(pickle(proto(4), "N.", "PK\x03\x04"))).toEqual(["trailing-bytes"]);
  });

  test("a joblib array inside a nested plain pickle", () => {
    const inner = pickle(proto(4), wrapped("f8", 1, 0, Buffer.alloc(8)), ".");
    expect(rules(pickle(proto(4), wrapped("O8", 1, 0, Buffer.alloc(0)).subarray(0, -1), inner, "."))).toEqual(
      ["damaged"],
    );
  });

  test("a bomb of shared tuples is read in time that grows with the file", () => {
    const layers = pickle(...Array.from({ length: 5_000 }, () => "2\x86"));
    expect(rules(pickle(proto(4), "N", layers, "."))).toEqual([]);
  });
});

describe("values are known where they are needed", () => {
  test("labels of every kind of array", () => {
    const labels = (code: string, count: number, data: Buffer) => {
      const { root } = walk(pickle(proto(4), array(code, count, data), "."));
      return root instanceof NdArray ? root.labels() : root;
    };
    expect(labels("i8", 2, Buffer.from(new BigInt64Array([-1n, 7n]).buffer))).toEqual([-1, 7]);
    expect(labels("u2", 2, Buffer.from(new Uint16Array([1, 65_535]).buffer))).toEqual([1, 65_535]);
    expect(labels("f8", 1, Buffer.from(new Float64Array([0.5]).buffer))).toEqual([0.5]);
    expect(labels("b1", 2, Buffer.from([0, 1]))).toEqual([false, true]);
    expect(labels("f8", 1, Buffer.from(new Float64Array([Number.NaN]).buffer))).toBeNull();
  });

  test("attributes called __proto__, with quotes and with line breaks", () => {
    const state = dict({ 'a"b': "K\x01", "c\nd": "K\x02" });
    const { root, findings } = walk(pickle(proto(4), estimator(state, "b.")));
    expect(findings).toEqual([]);
    expect(root instanceof Instance && root.state.get('a"b')).toBe(1);
    expect(rules(pickle(proto(4), estimator("}(", text("__proto__"), "K\x01u", "b.")))).toEqual(["state"]);
    expect(walk(pickle(proto(4), "}(", text("__proto__"), "K\x01u.")).findings).toEqual([]);
  });
});
