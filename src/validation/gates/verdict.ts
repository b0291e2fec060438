// The verdict over all gates and findings: what could not be evaluated never passes.
import type { Finding } from "../sanity.ts";
import type { GateStatus, JudgedGate, Verdict } from "./gate.ts";

/**
 * The verdict. It passes only when every gate passed, save `maxDrop` before the first release, and at
 * least one did pass; and when nothing in the answers shows a broken model. A gate without a value fails.
 */
export function decide(gates: readonly JudgedGate[], findings: readonly Finding[]): Verdict {
  const has = (status: GateStatus) => gates.some((gate) => gate.status === status);
  if (has("fail") || has("error") || findings.some(({ severity }) => severity === "fail")) return "fail";
  return has("inconclusive") || !has("pass") ? "inconclusive" : "pass";
}
