// The verdict over all gates and findings: what could not be evaluated never passes.
import type { Finding } from "../sanity.ts";
import type { GateStatus, JudgedGate, Verdict } from "./gate.ts";

/**
 * Why a verdict is what it is, in words: what failed before what could not be evaluated or decided. Empty
 * when it passes.
 */
export function reasonsOf(
  gates: readonly Pick<JudgedGate, "status" | "why">[],
  findings: readonly Finding[],
): string[] {
  const whyOf = (status: GateStatus) => gates.filter((gate) => gate.status === status).map(({ why }) => why);
  const broken = findings.filter(({ severity }) => severity === "fail").map(({ what }) => what);
  return [...whyOf("fail"), ...broken, ...whyOf("error"), ...whyOf("inconclusive")];
}

/**
 * The verdict. It passes only when every gate passed, save `maxDrop` before the first release, and at
 * least one did pass; and when nothing in the answers shows a broken model. A gate without a value fails.
 */
export function decide(gates: readonly JudgedGate[], findings: readonly Finding[]): Verdict {
  const has = (status: GateStatus) => gates.some((gate) => gate.status === status);
  if (has("fail") || has("error") || findings.some(({ severity }) => severity === "fail")) return "fail";
  return has("inconclusive") || !has("pass") ? "inconclusive" : "pass";
}
