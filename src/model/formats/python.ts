// A model that only its handler can load: files of any kind, of which mlship itself loads none.
import { noFacts, type Reading } from "../reading.ts";

/** Says nothing of the files: the scan of what lies in the folder does. */
export function readPython(): Reading {
  return { facts: noFacts, findings: [], globals: new Map() };
}
