// Walks a whole pickle file: the pickles in it, and those in byte strings that they hold.
import { judgeHeld } from "../nested.ts";
import { estimators, type AllowList } from "./allow-list.ts";
import { Budget, Ledger } from "./ledger.ts";
import { walkStream } from "./stream.ts";
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
  const budget = new Budget();
  const ledger = new Ledger(file, trust, budget);
  const root = walkStream(source, allow, ledger);
  const held = judgeHeld(ledger.holds, { path: file, trust, budget, depth: 1 });
  return { root, findings: [...ledger.findings, ...held], globals: ledger.globals };
}
