// Runs a pickle's instructions on symbols: what would be imported and called is judged, never done.
import { build } from "./build.ts";
import { call, Refused } from "./calls.ts";
import { literal, pair, text } from "./argument.ts";
import { costOf, weightOf } from "./weight.ts";
import { Decoder, type Instruction } from "./decode.ts";
import { addItems, append, setItems } from "./items.ts";
import { readWrapped, wrapperName } from "./joblib.ts";
import { parseFloatLine, parseIntLine, parseKeyLine, parseQuotedLine, parseUnicodeLine } from "./lines.ts";
import { nameOf } from "./names.ts";
import { Stack } from "./stack.ts";
import {
  describe,
  Global,
  Instance,
  Opaque,
  PyBytes,
  PyDict,
  PyList,
  PySet,
  PyTuple,
  type Value,
} from "./values.ts";
import { Unreadable } from "../unreadable.ts";
import type { AllowList } from "./allow-list.ts";
import type { Ledger } from "./ledger.ts";
import type { ByteSource } from "../bytes.ts";

/** Puts items into a container; says why that is refused, or null. */
type Put = (target: Value, items: readonly Value[]) => string | null;

/**
 * Walks one pickle from `position` to its STOP. What is not allowed becomes a finding in the ledger.
 * @throws Unreadable where the stream is not a pickle (any more).
 */
export function runPickle(
  source: ByteSource,
  position: number,
  allow: AllowList,
  ledger: Ledger,
): { value: Value; end: number } {
  const machine = new Machine(new Decoder(source, position), allow, ledger);
  return { value: machine.run(), end: machine.decoder.position };
}

class Machine {
  readonly decoder: Decoder;
  readonly #allow: AllowList;
  readonly #ledger: Ledger;
  readonly #stack = new Stack();

  constructor(decoder: Decoder, allow: AllowList, ledger: Ledger) {
    this.decoder = decoder;
    this.#allow = allow;
    this.#ledger = ledger;
  }

  run(): Value {
    const start = this.decoder.position;
    for (;;) {
      const instruction = this.decoder.next();
      this.#stack.offset = instruction.offset;
      this.#ledger.spend(instruction.offset, costOf(instruction.op));
      if (instruction.op === "STOP") break;
      if (instruction.op === "PROTO") this.#protocol(instruction, start);
      else this.#step(instruction);
    }
    this.decoder.leaveFrame();
    return this.#stack.last();
  }

  #protocol({ offset, argument }: Instruction, start: number): void {
    if (offset !== start) throw new Unreadable(offset, "a protocol is declared in the middle of a pickle");
    if (typeof argument !== "number" || argument < 2 || argument > 5) {
      throw new Unreadable(offset, "it declares a protocol that does not exist");
    }
  }

  #step(instruction: Instruction): void {
    const { op, offset, argument } = instruction;
    const stack = this.#stack;
    switch (op) {
      case "NONE":
        return stack.push(null);
      case "NEWTRUE":
        return stack.push(true);
      case "NEWFALSE":
        return stack.push(false);
      case "INT":
      case "LONG":
        return stack.push(parseIntLine(text(argument), offset));
      case "FLOAT":
        return stack.push(parseFloatLine(text(argument), offset));
      case "STRING":
        return stack.push(parseQuotedLine(text(argument), offset));
      case "UNICODE":
        return stack.push(parseUnicodeLine(text(argument), offset));
      case "MARK":
        return stack.mark();
      case "POP":
        return stack.drop();
      case "POP_MARK":
        stack.popToMark();
        return undefined;
      case "DUP":
        return stack.push(stack.top());
      case "EMPTY_TUPLE":
        return stack.push(new PyTuple([]));
      case "TUPLE1":
        return stack.push(new PyTuple(stack.popMany(1)));
      case "TUPLE2":
        return stack.push(new PyTuple(stack.popMany(2)));
      case "TUPLE3":
        return stack.push(new PyTuple(stack.popMany(3)));
      case "TUPLE":
        return stack.push(new PyTuple(stack.popToMark()));
      case "EMPTY_LIST":
        return stack.push(new PyList());
      case "LIST":
        return stack.push(new PyList(stack.popToMark()));
      case "EMPTY_DICT":
        return stack.push(new PyDict());
      case "DICT":
        return this.#collect(new PyDict(), setItems, offset);
      case "EMPTY_SET":
        return stack.push(new PySet());
      case "FROZENSET":
        return this.#collect(new PySet(), addItems, offset);
      case "APPEND":
        return this.#put(append, [stack.pop()], offset);
      case "APPENDS":
        return this.#put(append, stack.popToMark(), offset);
      case "SETITEM":
        return this.#put(setItems, stack.popMany(2), offset);
      case "SETITEMS":
        return this.#put(setItems, stack.popToMark(), offset);
      case "ADDITEMS":
        return this.#put(addItems, stack.popToMark(), offset);
      case "PUT":
        return stack.remember(parseKeyLine(text(argument), offset));
      case "GET":
        return stack.push(stack.recall(parseKeyLine(text(argument), offset)));
      case "BINPUT":
      case "LONG_BINPUT":
        return stack.remember(Number(argument));
      case "BINGET":
      case "LONG_BINGET":
        return stack.push(stack.recall(Number(argument)));
      case "MEMOIZE":
        return stack.rememberNext();
      case "GLOBAL":
        return stack.push(this.#global(...pair(argument), offset));
      case "STACK_GLOBAL":
        return this.#stackGlobal(offset);
      case "INST":
        return stack.push(
          this.#call(this.#global(...pair(argument), offset), stack.popToMark(), false, offset),
        );
      case "OBJ": {
        const [callee, ...args] = stack.popToMark();
        return stack.push(this.#call(callee ?? null, args, false, offset));
      }
      case "REDUCE":
        return this.#reduce(offset);
      case "NEWOBJ":
      case "NEWOBJ_EX":
        return this.#newObject(op === "NEWOBJ" ? null : stack.pop(), offset);
      case "BUILD":
        return this.#build(offset);
      case "EXT1":
      case "EXT2":
      case "EXT4":
        return this.#unprovable(offset, "extension", "it imports through Python's extension registry");
      case "PERSID":
        return this.#persistent(text(argument), offset);
      case "BINPERSID":
        return this.#persistent(stack.pop(), offset);
      case "NEXT_BUFFER":
        return this.#unprovable(offset, "buffer", "it needs a buffer that is not in the file");
      case "READONLY_BUFFER":
        return this.#unprovable(offset, "buffer", "it works on a buffer that is not in the file");
      case "FRAME":
      case "PROTO":
      case "STOP":
        return undefined;
      default:
        // What is left carries its value as its argument: integers, floats, texts and bytes.
        if (argument instanceof PyBytes) this.#ledger.hold(argument);
        return stack.push(literal(argument));
    }
  }

  #unprovable(offset: number, rule: string, message: string): void {
    this.#ledger.report(offset, rule, message);
    this.#stack.push(new Opaque(true));
  }

  #persistent(id: Value, offset: number): void {
    const found = this.#allow.persistent(id);
    if (found instanceof Refused) this.#unprovable(offset, "persistent-id", found.why);
    else this.#stack.push(found);
  }

  #stackGlobal(offset: number): void {
    const [module, name] = this.#stack.popMany(2);
    if (typeof module === "string" && typeof name === "string") {
      this.#stack.push(this.#global(module, name, offset));
      return;
    }
    this.#unprovable(offset, "odd-global", "it imports something whose name is not a plain text");
  }

  #global(oldModule: string, name: string, offset: number): Value {
    const { qualified, module, plain } = nameOf(oldModule, name);
    this.#ledger.saw(qualified, offset);
    if (!plain) {
      const message = `it imports ${qualified}, which is not a plain name`;
      this.#ledger.report(offset, "odd-global", message, qualified);
      return new Opaque(true);
    }
    const permission = this.#allow.permissionOf(module, name);
    if (permission !== null) return new Global(qualified, permission);
    if (this.#ledger.trust.has(qualified)) return new Global(qualified, "trusted");
    this.#ledger.report(offset, "unknown-global", `it imports ${qualified}`, qualified);
    return new Opaque(true);
  }

  #reduce(offset: number): void {
    const [callee, args] = this.#stack.popMany(2);
    if (!(args instanceof PyTuple)) throw new Unreadable(offset, "a call has no tuple of arguments");
    this.#stack.push(this.#call(callee ?? null, args.items, false, offset));
  }

  #newObject(keywords: Value, offset: number): void {
    const [callee, args] = this.#stack.popMany(2);
    if (!(args instanceof PyTuple)) throw new Unreadable(offset, "a new object has no tuple of arguments");
    if (callee instanceof Global && callee.permission !== "class" && callee.permission !== "trusted") {
      this.#ledger.report(offset, "call", `it makes an object of ${callee.name}`, callee.name);
      this.#stack.push(new Opaque(true));
      return;
    }
    const keyed = keywords instanceof PyDict ? keywords.entries.size > 0 : keywords !== null;
    this.#stack.push(this.#call(callee ?? null, args.items, keyed, offset));
  }

  #call(callee: Value, args: readonly Value[], keyed: boolean, offset: number): Value {
    if (callee instanceof Opaque && callee.reported) return callee;
    if (!(callee instanceof Global)) {
      this.#ledger.report(offset, "call", `it calls ${describe(callee)}`);
      return new Opaque(true);
    }
    this.#ledger.spend(offset, args.length + weightOf(args));
    const result = call(callee, args, keyed, (name) => this.#allow.callOf(name));
    if (!(result instanceof Refused)) return result;
    // An argument that was reported already makes the call odd, too; once is enough.
    const known = args.some((value) => value instanceof Opaque && value.reported);
    if (!known) this.#ledger.report(offset, "call", `it calls ${callee.name}: ${result.why}`, callee.name);
    return new Opaque(true);
  }

  #build(offset: number): void {
    const state = this.#stack.pop();
    const target = this.#stack.top();
    this.#ledger.spend(offset, weightOf([state]));
    const refused = build(target, state);
    if (refused !== null) this.#ledger.report(offset, "state", refused);
    if (!(target instanceof Instance) || target.of !== wrapperName) return;
    if (this.#allow.dialect === "python") {
      throw new Unreadable(offset, "it is part joblib file, part plain pickle: loaders read it differently");
    }
    this.#stack.pop();
    const array = readWrapped(target, this.decoder, () => this.#nested());
    if (array.data instanceof PyBytes) this.#ledger.hold(array.data);
    this.#stack.push(array);
  }

  #nested(): Value {
    const { value, end } = runPickle(
      this.decoder.source,
      this.decoder.position,
      { ...this.#allow, dialect: "python" },
      this.#ledger,
    );
    this.decoder.position = end;
    return value;
  }

  /** DICT and FROZENSET: everything above the mark goes into a new container. */
  #collect(container: PyDict | PySet, into: Put, offset: number): void {
    const items = this.#stack.popToMark();
    this.#stack.push(container);
    this.#put(into, items, offset);
  }

  #put(into: Put, items: Value[], offset: number): void {
    const refused = into(this.#stack.top(), items);
    if (refused !== null) this.#ledger.report(offset, "state", refused);
  }
}
