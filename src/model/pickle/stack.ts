// The unpickler's stack with its marks, and its memo. Nothing can be taken that was not put there.
import { Unreadable } from "../unreadable.ts";
import type { Value } from "./values.ts";

/** More values at once than any pickler leaves on the stack. */
const deepest = 5_000_000;

export class Stack {
  readonly #values: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();
  /** Offset of the opcode at work, for errors. */
  offset = 0;

  push(value: Value): void {
    this.#values.push(value);
    if (this.#values.length + this.#marks.length > deepest) throw this.#broken("the stack grows too deep");
  }

  mark(): void {
    this.#marks.push(this.#values.length);
    if (this.#marks.length > deepest) throw this.#broken("the stack grows too deep");
  }

  pop(): Value {
    this.#check(1);
    return this.#values.pop() ?? null;
  }

  /** The topmost values, oldest first; they are taken away. */
  popMany(count: number): Value[] {
    this.#check(count);
    return this.#values.splice(this.#values.length - count, count);
  }

  /** Everything above the last mark, oldest first; the mark goes too. */
  popToMark(): Value[] {
    const from = this.#marks.pop();
    if (from === undefined) throw this.#broken("there is no mark");
    return this.#values.splice(from);
  }

  /** What POP does: takes a value, or the mark when there is nothing above it. */
  drop(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  top(): Value {
    this.#check(1);
    return this.#values.at(-1) ?? null;
  }

  remember(key: number): void {
    // Every entry takes at least one byte to write, so a larger key only makes unpicklers allocate.
    if (key > this.offset) throw this.#broken("a memo key is larger than the file can fill");
    this.#memo.set(key, this.top());
  }

  /** What MEMOIZE does. */
  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): Value {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#broken(`nothing was remembered as ${key}`);
    return value;
  }

  /** @throws Unreadable unless exactly one value is left and no mark. */
  last(): Value {
    const value = this.pop();
    if (this.#values.length > 0 || this.#marks.length > 0)
      throw this.#broken("values are left over at the end");
    return value;
  }

  #check(count: number): void {
    if (this.#values.length - (this.#marks.at(-1) ?? 0) < count) throw this.#broken("the stack is empty");
  }

  #broken(why: string): Unreadable {
    return new Unreadable(this.offset, why);
  }
}
