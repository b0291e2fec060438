// What a walk over one file keeps count of: findings, the globals seen, and how much it may still build.
import { Unreadable } from "../unreadable.ts";
import type { Finding } from "../reading.ts";

/** More findings than this say nothing new. */
const mostFindings = 200;
/** More different names than this are no model's. */
const mostGlobals = 10_000;
/** Instructions of all streams of one file. A vocabulary of a million words takes three million. */
const mostInstructions = 20_000_000;

export class Ledger {
  readonly file: string;
  readonly trust: ReadonlySet<string>;
  readonly findings: Finding[] = [];
  readonly globals = new Map<string, number>();
  #instructions = 0;

  constructor(file: string, trust: readonly string[]) {
    this.file = file;
    this.trust = new Set(trust);
  }

  report(offset: number, rule: string, message: string, global: string | null = null): void {
    if (this.findings.length < mostFindings) {
      this.findings.push({ file: this.file, offset, global, rule, message });
    }
  }

  /** Counts a mention of a global. */
  saw(name: string, offset: number): void {
    this.globals.set(name, (this.globals.get(name) ?? 0) + 1);
    if (this.globals.size > mostGlobals) throw new Unreadable(offset, "it names more globals than any model");
  }

  /** Counts an instruction. @throws Unreadable past the limit: a bomb rather than a model. */
  spend(offset: number): void {
    this.#instructions += 1;
    if (this.#instructions > mostInstructions) {
      throw new Unreadable(offset, `it has more than ${mostInstructions} instructions`);
    }
  }
}
