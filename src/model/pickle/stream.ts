// Walks the pickles of one file, one behind the other; what they hold in byte strings is left to others.
import { runPickle } from "./machine.ts";
import { Exhausted, Unreadable } from "../unreadable.ts";
import type { AllowList } from "./allow-list.ts";
import type { Ledger } from "./ledger.ts";
import type { Value } from "./values.ts";
import type { ByteSource } from "../bytes.ts";

/** The object that a loader returns; null when the file breaks off before its end. Damage is reported. */
export function walkStream(source: ByteSource, allow: AllowList, ledger: Ledger): Value {
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
    const rule = position === 0 ? "damaged" : "trailing-bytes";
    ledger.report(error.offset, error instanceof Exhausted ? "bomb" : rule, `${where}${error.message}`);
  }
  return root;
}
