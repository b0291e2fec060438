// Whether an image answers what was validated.
import { MlshipError } from "../../errors.ts";
import type { GoldenComparison } from "../../validation/golden.ts";

/** How far an image may be from what was validated. */
export interface ParityLimits {
  /** Largest difference of a probability; of a regression, relative to the largest value. */
  maxDelta: number;
  /** Rows with another label. */
  maxFlips: number;
}

/**
 * Holds the image's answers against the report's, by both measures.
 * @throws MlshipError `image.parity`, exit 3.
 */
export function checkParity(
  { rows, flips, maxDelta }: GoldenComparison,
  limits: ParityLimits,
  platform: string,
): void {
  const broken = [
    ...(flips > limits.maxFlips
      ? [`${flips} of ${rows} rows have another label, and ${limits.maxFlips} may have`]
      : []),
    // Written so that a difference that is no number breaks it too.
    ...(maxDelta <= limits.maxDelta
      ? []
      : [`an answer is off by ${showDelta(maxDelta)}, and ${showDelta(limits.maxDelta)} is allowed`]),
  ];
  if (broken.length === 0) return;
  throw new MlshipError({
    code: "image.parity",
    what: `the image for ${platform} does not answer what was validated`,
    why: broken.join("; "),
    fix: "validate with the environment of the image: run mlship lock, then mlship validate; if the difference is harmless, raise image.parity",
    exit: "gate",
  });
}

/** `0`, `1.2e-8`, `0.03`. */
export function showDelta(delta: number): string {
  return String(Number(delta.toPrecision(2)));
}
