// What a server answers to rows, as it comes over the wire.
import { z } from "zod";
import type { Predictions } from "./ports.ts";

const label = z.union([z.string(), z.number(), z.boolean()]);
const answerSchema = z.object({
  predictions: z.array(z.union([label, z.array(z.number())])),
  probabilities: z.array(z.array(z.number())).nullish(),
});

/** The predictions in the body of an answer of `/predict`; null when it is something else. */
export function readAnswer(text: string): Predictions | null {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = answerSchema.safeParse(document);
  if (!parsed.success) return null;
  return { predictions: parsed.data.predictions, probabilities: parsed.data.probabilities ?? null };
}
