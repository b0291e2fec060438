// Walks a whole pickle file: the pickle that a loader would read, and whatever lies behind it.
import { estimators, type AllowList } from "./allow-list.ts";
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

/**
 * Walks every pickle in a file as its loader would read it, without loading it. It throws nothing: damage
 * is a finding.
 * @param trust qualified names allowed beyond the list
 * @param allow what the framework's pickles may reach; those of scikit-learn and joblib by default
 */
export function walkPickle(
  source: ByteSource,
  file: string,
  trust: readonly string[],
  allow: AllowList = estimators,
): PickleWalk {
  const ledger = new Ledger(file, trust);
  let root: Value = null;
  let position = 0;
  try {
    const first = runPickle(source, 0, allow, ledger);
    root = first.value;
    position = first.end;
    // A loader stops at the first STOP, but another loader may go on: nothing may hide behind it.
    while (position < source.size) position = runPickle(source, position, allow, ledger).end;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const where = position === 0 ? "" : `after the first pickle, which ends at byte ${position}, `;
    ledger.report(error.offset, position === 0 ? "damaged" : "trailing-bytes", `${where}${error.message}`);
  }
  return { root, findings: ledger.findings, globals: ledger.globals };
}
