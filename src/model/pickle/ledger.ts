// What a walk over one file keeps count of: findings, the globals seen, and how much it may still build.
import { Exhausted, Unreadable } from "../unreadable.ts";
import type { Finding } from "../reading.ts";
import type { PyBytes } from "./values.ts";

/** More findings than this say nothing new. */
export const mostFindings = 200;
/** More different names than this are no model's. */
const mostGlobals = 10_000;
/** Steps of all streams of one file. A vocabulary of a million words takes three million. */
const mostSteps = 20_000_000;
/** Bytes unpacked from archives inside one file, all together. */
const mostUnpacked = 2 ** 28;

/** Bytes; nothing that is shorter can import and call. */
const shortestInside = 8;
/** More byte strings that look like archives than this are in no model. */
const mostHeld = 10_000;
/** Pickles of protocol 2 and later, zips, numpy's files, gzip, zlib, bzip2 and xz; in latin-1. */
const beginnings = [
  "\x80\x02",
  "\x80\x03",
  "\x80\x04",
  "\x80\x05",
  "PK\x03\x04",
  "\x93NUMPY",
  "\x1f\x8b\x08",
  "x\x01",
  "x\x5e",
  "x\x9c",
  "x\xda",
  "BZh",
  "\xfd7zXZ",
];

/** What all streams of a file may cost together, those inside others included. */
export class Budget {
  #steps = 0;
  #unpacked = 0;

  /** @throws Unreadable past the limit: a bomb rather than a model. */
  spend(offset: number, steps: number): void {
    this.#steps += steps;
    if (this.#steps > mostSteps) throw new Exhausted(offset, `it takes more than ${mostSteps} steps to load`);
  }

  /** Bytes that may still be unpacked from archives inside the model. */
  get room(): number {
    return mostUnpacked - this.#unpacked;
  }

  /** Counts bytes that were unpacked. */
  unpack(bytes: number): void {
    this.#unpacked += bytes;
  }
}

/** The record of one walk. */
export class Ledger {
  readonly file: string;
  readonly trust: ReadonlySet<string>;
  readonly findings: Finding[] = [];
  readonly globals = new Map<string, number>();
  /** Bytes that begin like something that another loader would load. */
  readonly holds: PyBytes[] = [];
  readonly budget: Budget;

  constructor(file: string, trust: readonly string[], budget: Budget = new Budget()) {
    this.budget = budget;
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

  /** Remembers bytes that look like a pickle, an archive, an array file or something compressed. */
  hold(bytes: PyBytes): void {
    if (bytes.length < shortestInside) return;
    const head = bytes.source.read(bytes.offset, shortestInside).toString("latin1");
    if (!beginnings.some((beginning) => head.startsWith(beginning))) return;
    this.holds.push(bytes);
    if (this.holds.length > mostHeld) throw new Exhausted(bytes.offset, "it holds too many archives");
  }

  /**
   * Counts what an instruction costs: one step, and one for each value that it goes through.
   * @throws Unreadable past the limit.
   */
  spend(offset: number, steps: number): void {
    this.budget.spend(offset, steps);
  }
}
