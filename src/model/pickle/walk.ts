// Walks a whole pickle file: the pickle that a loader would read, and whatever lies behind it.
import { Ledger } from "./ledger.ts";
import { runPickle } from "./machine.ts";
import { Unreadable } from "../unreadable.ts";
import type { Finding } from "../reading.ts";
import type { Value } from "./values.ts";
import type { ByteSource } from "../bytes.ts";

/** What a pickle file would do, and the object that it holds. */
export interface PickleWalk {
  /** The object that a loader returns; null when the file breaks off before its end. */
  root: Value;
  findings: Finding[];
  globals: Map<string, number>;
}

/** Walks every pickle in a file as joblib would load it, without loading it. */
export function walkPickle(source: ByteSource, file: string, trust: readonly string[]): PickleWalk {
  const ledger = new Ledger(file, trust);
  let root: Value = null;
  let position = 0;
  try {
    const first = runPickle(source, 0, "joblib", ledger);
    root = first.value;
    position = first.end;
    // A loader stops at the first STOP, but another loader may go on: nothing may hide behind it.
    while (position < source.size) position = runPickle(source, position, "joblib", ledger).end;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const where = position === 0 ? "" : `after the first pickle, which ends at byte ${position}, `;
    ledger.report(error.offset, position === 0 ? "damaged" : "trailing-bytes", `${where}${error.message}`);
  }
  return { root, findings: ledger.findings, globals: ledger.globals };
}
