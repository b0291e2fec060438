// Ways in which other scanners of pickles were deceived, rebuilt from their descriptions: each is refused, by name.
// Every stream is inert: it is built here, opcode by opcode, and never loaded.
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { kindOf } from "../../../src/model/format.ts";
import { found, imported, payload } from "./bypass.ts";
import { zipOf } from "./messages.ts";
import { bytes, dict, global, pickle, proto, stackGlobal, text } from "./pickles.ts";

describe("1: names that block-lists forget", () => {
  test.each([
    ["pkgutil", "resolve_name"],
    ["_operator", "methodcaller"],
    ["_operator", "attrgetter"],
    ["uuid", "_get_command_stdout"],
    ["_osx_support", "_read_output"],
    ["_osx_support", "_find_build_tool"],
    ["_aix_support", "_read_cmd_output"],
    ["_pyrepl.pager", "pipe_pager"],
    ["imaplib", "IMAP4_stream"],
    ["cProfile", "run"],
    ["profile", "Profile"],
    ["pdb", "run"],
    ["timeit", "timeit"],
    ["trace", "Trace"],
    ["doctest", "debug_script"],
    ["code", "InteractiveInterpreter"],
    ["ctypes", "CDLL"],
    ["distutils.file_util", "write_file"],
    ["ensurepip", "_run_pip"],
    ["idlelib.run", "Executive"],
    ["lib2to3.pgen2.pgen", "ParserGenerator"],
    ["runpy", "run_path"],
    ["shelve", "open"],
    ["pickle", "loads"],
    ["_pickle", "Unpickler"],
    ["dill", "loads"],
    ["cloudpickle.cloudpickle", "_builtin_type"],
    ["marshal", "loads"],
    ["types", "FunctionType"],
    ["importlib", "import_module"],
    ["linecache", "getline"],
    ["logging", "FileHandler"],
    ["urllib.request", "urlopen"],
    ["builtins", "__import__"],
    ["builtins", "open"],
    ["builtins", "compile"],
    ["builtins", "map"],
    ["builtins", "apply"],
    ["numpy", "load"],
    ["numpy", "fromfile"],
    ["numpy", "memmap"],
    ["numpy.f2py.crackfortran", "myeval"],
    ["numpy.f2py.diagnose", "run_command"],
    ["numpy._core.multiarray", "fromfile"],
    ["scipy.io", "loadmat"],
    ["torch", "load"],
    ["torch.jit.unsupported_tensor_ops", "execWrapper"],
    ["torch.utils.bottleneck.__main__", "run_cprofile"],
    ["torch._dynamo.guards", "GuardBuilder"],
    ["joblib", "load"],
    ["joblib.memory", "Memory"],
    ["sklearn.utils._mocking", "CheckingClassifier"],
    ["pandas", "read_pickle"],
    ["pandas.eval", "eval"],
  ])("%s.%s", (module, name) => {
    expect(found(pickle(proto(4), stackGlobal(module, name), ")R."))).toEqual([
      `unknown-global ${module}.${name}`,
    ]);
  });
});

describe("2, 3: names and calls that hide", () => {
  test.each<[string, Buffer, string]>([
    [
      "a dotted attribute",
      pickle(proto(4), stackGlobal("pathlib", "os.system"), text("true"), "\x85R."),
      "odd-global pathlib.os.system",
    ],
    [
      "a dotted attribute of an allowed class",
      pickle(proto(4), stackGlobal("sklearn.svm._classes", "SVC.fit"), "."),
      "odd-global sklearn.svm._classes.SVC.fit",
    ],
    [
      "an OBJ whose result is thrown away",
      pickle(proto(4), "(", global("posix", "system"), text("true"), "o0N."),
      imported,
    ],
    ["an INST whose result is thrown away", pickle("(", "S'true'\n", "iposix\nsystem\n0N."), imported],
    ["a REDUCE whose result is popped to the mark", pickle(proto(4), "(", payload, "1N."), imported],
    [
      "a name put together from the memo",
      pickle(
        proto(4),
        text("posix"),
        "\x94",
        "0",
        text("system"),
        "\x94",
        "0h\0h\x01\x93",
        text("true"),
        "\x85R.",
      ),
      imported,
    ],
    ["a name in two kinds of text", pickle(proto(4), "U\x05posix", "X\x06\0\0\0system", "\x93)R."), imported],
    ["a name with escapes", pickle("V\\u0070osix\n", "V\\u0073ystem\n", "\x93)R."), imported],
    [
      "an import that nobody calls",
      pickle(proto(4), stackGlobal("antigravity", "geohash"), "0N."),
      "unknown-global antigravity.geohash",
    ],
    [
      "a state that calls",
      pickle(proto(4), stackGlobal("sklearn.svm._classes", "SVC"), ")\x81}", text("C"), payload, "sb."),
      imported,
    ],
    ["a key that calls", pickle(proto(4), "}", payload, "Ns."), imported],
    [
      "a class made with keywords",
      pickle(proto(4), stackGlobal("subprocess", "Popen"), ")", dict({ args: text("true") }), "\x92."),
      "unknown-global subprocess.Popen",
    ],
    [
      "Python 2's name of builtins",
      pickle(proto(2), global("__builtin__", "eval"), "."),
      "unknown-global builtins.eval",
    ],
    [
      "Python 2's name of subprocess",
      pickle(proto(2), global("commands", "getoutput"), "."),
      "unknown-global commands.getoutput",
    ],
    [
      "a text that is not ASCII but looks so",
      pickle(proto(4), text("pоsix"), text("system"), "\x93."),
      'odd-global "pоsix.system"',
    ],
    [
      "names of 64 KB",
      pickle(proto(4), "X\xff\xff\0\0", Buffer.alloc(65_535, "a"), text("b"), "\x93."),
      "odd-global",
    ],
  ])("%s", (_name, stream, finding) => {
    expect(found(stream).join("\n")).toContain(finding);
  });
});

describe("4: the payload first, damage later", () => {
  test.each<[string, Buffer]>([
    ["an unknown opcode", pickle(proto(4), payload, "\xff")],
    ["nothing more", pickle(proto(4), payload)],
    ["an empty stack", pickle(proto(4), payload, "00.")],
    ["a missing memo key", pickle(proto(4), payload, "h\x63.")],
    ["a text cut short", pickle(proto(4), payload, "X\xff\xff\0\0abc")],
    ["text that is not UTF-8", pickle(proto(4), payload, "0X\x01\0\0\0\xff.")],
    ["a protocol in the middle", pickle(proto(4), payload, proto(4), ".")],
    [
      "a zip behind it",
      Buffer.concat([pickle(proto(4), payload, "."), zipOf([{ name: "a", data: Buffer.from("b") }])]),
    ],
  ])("%s", (_name, stream) => {
    expect(found(stream)).toContain(imported);
  });

  test("behind a first pickle that is harmless", () => {
    expect(found(pickle(proto(4), "N.", proto(4), payload, "."))).toContain(imported);
    expect(found(pickle(proto(4), "N.", "\n", payload, "."))).toEqual(["trailing-bytes"]);
  });
});

describe("6: the memo", () => {
  test.each<[string, Buffer, string]>([
    ["a missing key", pickle(proto(4), "h\x07."), "damaged"],
    ["a key that is a text", pickle("Vposix\npab\n0Vsystem\n."), "damaged"],
    ["a key with spaces", pickle("N", "p 1\n."), "damaged"],
    ["a key of 2^31", pickle(proto(4), "Nr\xff\xff\xff\xff."), "damaged"],
    [
      "a name stored twice under one key",
      pickle(proto(4), text("numpy"), "q\0", "0", text("posix"), "q\0", "0h\0", text("system"), "\x93."),
      imported,
    ],
    ["a name that is a number", pickle(proto(4), "K\x01\x94", "0h\0", text("system"), "\x93."), "odd-global"],
    [
      "MEMOIZE after a key was left out",
      pickle(proto(4), text("posix"), "q\x05", text("system"), "\x94", "00h\x05h\x01\x93."),
      imported,
    ],
    [
      "a memo of the pickle before",
      pickle(proto(4), text("posix"), "\x94.", proto(4), "h\0", text("system"), "\x93."),
      "trailing-bytes",
    ],
  ])("%s", (_name, stream, finding) => {
    expect(found(stream)).toContain(finding);
  });
});

describe("7: files that are not what they seem", () => {
  const kind = (content: Uint8Array) => kindOf(bytesOf(content));
  test("PyTorch's magic number made by a call is an import like any other", () => {
    const magic = pickle(
      proto(2),
      global("builtins", "int"),
      "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x85R.",
    );
    expect(found(magic)).toEqual(["call builtins.int"]);
    expect(found(pickle(magic, proto(2), "M\xe9\x03.", proto(2), payload, "."))).toContain(imported);
  });

  test("a tar of the old kind, a 7z, a program", () => {
    const tar = Buffer.alloc(1_024);
    tar.write("pickle");
    tar.write("ustar\0", 257);
    expect(kind(tar)).toEqual({ other: "a tar archive" });
    expect(kind(Buffer.from("7z\xBC\xAF\x27\x1C\0\x04\0\0\0\0", "latin1"))).toEqual({
      other: "a 7z archive",
    });
  });

  test("a tar that begins as a pickle does is read as the pickle", () => {
    const tar = Buffer.alloc(1_024);
    pickle(proto(4), "N.").copy(tar);
    tar.write("ustar\0", 257);
    expect(found(tar)).toEqual(["trailing-bytes"]);
  });

  test("a pickle that begins as a zip does not", () => {
    expect(kind(pickle("(", global("posix", "system"), "(Vtrue\ntR."))).toEqual({ format: "sklearn" });
    expect(kind(pickle("(i__builtin__\neval\n."))).toEqual({ format: "sklearn" });
  });
});

describe("and what else asks a loader for more than data", () => {
  test.each<[string, Buffer, string]>([
    ["an extension of one byte", pickle(proto(2), "\x82\x01."), "extension"],
    ["an extension of two bytes", pickle(proto(2), "\x83\x01\0."), "extension"],
    ["an extension of four bytes", pickle(proto(2), "\x84\x01\0\0\0."), "extension"],
    ["a persistent id as text", pickle("Pposix\n."), "persistent-id"],
    ["a persistent id as value", pickle(proto(2), text("posix"), "Q."), "persistent-id"],
    ["a buffer from outside", pickle(proto(5), "\x97."), "buffer"],
    ["a read-only buffer", pickle(proto(5), "\x97\x98."), "buffer"],
    ["a read-only view of bytes", pickle(proto(5), "\x96\x01\0\0\0\0\0\0\0a\x98."), "buffer"],
    [
      "a state with slots",
      pickle(proto(4), stackGlobal("sklearn.svm._classes", "SVC"), ")\x81N", dict({ fit: "N" }), "\x86b."),
      "state",
    ],
    [
      "a state that replaces __setstate__",
      pickle(
        proto(4),
        stackGlobal("sklearn.svm._classes", "SVC"),
        ")\x81",
        dict({ __setstate__: stackGlobal("numpy", "log1p") }),
        "b.",
      ),
      "state",
    ],
    [
      "a state that replaces __class__",
      pickle(
        proto(4),
        stackGlobal("sklearn.svm._classes", "SVC"),
        ")\x81",
        dict({ __class__: stackGlobal("numpy", "log1p") }),
        "b.",
      ),
      "state",
    ],
    [
      "a state for a list",
      pickle(proto(4), "]", dict({ append: stackGlobal("numpy", "log1p") }), "b."),
      "state",
    ],
    [
      "items for an object",
      pickle(proto(4), stackGlobal("sklearn.svm._classes", "SVC"), ")\x81Na."),
      "state",
    ],
  ])("%s", (_name, stream, finding) => {
    expect(found(stream)).toContain(finding);
  });
});

test("a bytes literal stays one", () => {
  expect(found(pickle(proto(4), bytes(Buffer.from("abc")), "."))).toEqual([]);
});
