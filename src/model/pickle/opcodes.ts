// Every pickle opcode of protocols 0 to 5: its byte, its name and the shape of its argument.
// Source: CPython's Lib/pickle.py and PEP 307, 3154, 574.

/** How an opcode's argument is laid out after its byte. */
export type ArgumentKind =
  | "none"
  | "line"
  | "latin1"
  | "lines"
  | "byte"
  | "uint16"
  | "int32"
  | "uint32"
  | "float64"
  | "bytes8"
  | "bytes32"
  | "bytes64"
  | "text8"
  | "text32"
  | "text64"
  | "ascii8"
  | "ascii32"
  | "long8"
  | "long32"
  | "frame";

const table = {
  MARK: ["(", "none"],
  STOP: [".", "none"],
  POP: ["0", "none"],
  POP_MARK: ["1", "none"],
  DUP: ["2", "none"],
  FLOAT: ["F", "line"],
  INT: ["I", "line"],
  BININT: ["J", "int32"],
  BININT1: ["K", "byte"],
  LONG: ["L", "line"],
  BININT2: ["M", "uint16"],
  NONE: ["N", "none"],
  PERSID: ["P", "line"],
  BINPERSID: ["Q", "none"],
  REDUCE: ["R", "none"],
  STRING: ["S", "line"],
  BINSTRING: ["T", "ascii32"],
  SHORT_BINSTRING: ["U", "ascii8"],
  UNICODE: ["V", "latin1"],
  BINUNICODE: ["X", "text32"],
  APPEND: ["a", "none"],
  BUILD: ["b", "none"],
  GLOBAL: ["c", "lines"],
  DICT: ["d", "none"],
  EMPTY_DICT: ["}", "none"],
  APPENDS: ["e", "none"],
  GET: ["g", "line"],
  BINGET: ["h", "byte"],
  INST: ["i", "lines"],
  LONG_BINGET: ["j", "uint32"],
  LIST: ["l", "none"],
  EMPTY_LIST: ["]", "none"],
  OBJ: ["o", "none"],
  PUT: ["p", "line"],
  BINPUT: ["q", "byte"],
  LONG_BINPUT: ["r", "uint32"],
  SETITEM: ["s", "none"],
  TUPLE: ["t", "none"],
  EMPTY_TUPLE: [")", "none"],
  SETITEMS: ["u", "none"],
  BINFLOAT: ["G", "float64"],
  BINBYTES: ["B", "bytes32"],
  SHORT_BINBYTES: ["C", "bytes8"],
  PROTO: ["\x80", "byte"],
  NEWOBJ: ["\x81", "none"],
  EXT1: ["\x82", "byte"],
  EXT2: ["\x83", "uint16"],
  EXT4: ["\x84", "int32"],
  TUPLE1: ["\x85", "none"],
  TUPLE2: ["\x86", "none"],
  TUPLE3: ["\x87", "none"],
  NEWTRUE: ["\x88", "none"],
  NEWFALSE: ["\x89", "none"],
  LONG1: ["\x8a", "long8"],
  LONG4: ["\x8b", "long32"],
  SHORT_BINUNICODE: ["\x8c", "text8"],
  BINUNICODE8: ["\x8d", "text64"],
  BINBYTES8: ["\x8e", "bytes64"],
  EMPTY_SET: ["\x8f", "none"],
  ADDITEMS: ["\x90", "none"],
  FROZENSET: ["\x91", "none"],
  NEWOBJ_EX: ["\x92", "none"],
  STACK_GLOBAL: ["\x93", "none"],
  MEMOIZE: ["\x94", "none"],
  FRAME: ["\x95", "frame"],
  BYTEARRAY8: ["\x96", "bytes64"],
  NEXT_BUFFER: ["\x97", "none"],
  READONLY_BUFFER: ["\x98", "none"],
} as const satisfies Record<string, readonly [string, ArgumentKind]>;

/** The name of an opcode. */
export type Opcode = keyof typeof table;

/** Opcode by its byte. */
export const opcodes: ReadonlyMap<number, { name: Opcode; argument: ArgumentKind }> = new Map(
  names(table).map((name) => [table[name][0].charCodeAt(0), { name, argument: table[name][1] }]),
);

function names(of: typeof table): Opcode[] {
  const isOpcode = (name: string): name is Opcode => Object.hasOwn(of, name);
  return Object.keys(of).filter(isOpcode);
}
