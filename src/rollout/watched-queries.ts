// QUERIES: values of another source that must keep their bounds. They can only speak against a canary.
import { z } from "zod";
import type { QueryAnswer, Revision } from "./ports.ts";

/** Schema of a query as a plan holds it, its placeholders filled. */
export const watchedQuery = z.strictObject({
  name: z.string(),
  query: z.string(),
  max: z.number().optional(),
  min: z.number().optional(),
});
/** A query, and the bounds that its value must keep. */
export type WatchedQuery = z.infer<typeof watchedQuery>;

/** Schema of what is known of one query. */
export const watchedValue = z.strictObject({
  name: z.string(),
  /** The last value; null when there was none. */
  value: z.number().nullable(),
  /** Why there was none; null when there was one. */
  problem: z.string().nullable(),
  /** The step that it was asked in. */
  step: z.number().int(),
  /** Values in a row that were beyond a bound. */
  beyond: z.number().int().nonnegative(),
});
type WatchedValue = z.infer<typeof watchedValue>;

/** Answers to all queries of a plan, in their order. */
export interface Inquired {
  /** The step in which they were asked for. */
  step: number;
  answers: QueryAnswer[];
}

/** A canary is taken back by two values in a row: one alone may be a stumble. */
const rowToAbort = 2;

/** What the places in a query stand for: DNS labels all, which need no quoting wherever they stand. */
interface Places {
  canary: Revision;
  stable: Revision;
  namespace: string;
}

/** The query's text with its placeholders filled. */
export function fillQuery(query: string, { canary, stable, namespace }: Places): string {
  return query
    .replaceAll("{{canary}}", () => canary.id)
    .replaceAll("{{stable}}", () => stable.id)
    .replaceAll("{{namespace}}", () => namespace);
}

/** What is known after another round of answers. */
export function addAnswers(
  queries: readonly WatchedQuery[],
  before: readonly WatchedValue[],
  { step, answers }: Inquired,
): WatchedValue[] {
  return queries.map((query, index) => {
    const { name } = query;
    const answer = answers[index] ?? { problem: "it was not answered" };
    if ("problem" in answer) return { name, value: null, problem: answer.problem, step, beyond: 0 };
    const row = before.find((one) => one.name === name)?.beyond ?? 0;
    const beyond = boundCrossed(query, answer.value) === null ? 0 : row + 1;
    return { name, value: answer.value, problem: null, step, beyond };
  });
}

/** What takes the canary back, in words; null when nothing does. */
export function findQueryBreach(
  queries: readonly WatchedQuery[],
  values: readonly WatchedValue[],
): string | null {
  const breaches = queries.flatMap((query) => {
    const known = values.find(({ name }) => name === query.name);
    return known !== undefined && known.beyond >= rowToAbort ? [tellBeyond(query, known)] : [];
  });
  if (breaches.length === 0) return null;
  return `${breaches.join("; ")}, in ${rowToAbort} readings in a row`;
}

/** Values that are beyond a bound for the first time, in words; null when all that are known keep theirs. */
export function findQueryDoubt(
  queries: readonly WatchedQuery[],
  values: readonly WatchedValue[],
): string | null {
  const doubts = queries.flatMap((query) => {
    const known = values.find(({ name }) => name === query.name);
    return known !== undefined && known.beyond > 0 ? [tellBeyond(query, known)] : [];
  });
  return doubts.length === 0 ? null : doubts.join("; ");
}

/**
 * Why a step cannot pass for the sake of its queries, in words; null when it can: each was asked in
 * this step, and its last answer was one number that keeps its bounds.
 */
export function findOpenQuery(
  queries: readonly WatchedQuery[],
  values: readonly WatchedValue[],
  step: number,
): string | null {
  const open = queries.flatMap((query) => {
    const known = values.find(({ name }) => name === query.name);
    if (known?.problem) return [`${query.name}: ${known.problem}`];
    if (known === undefined || known.step !== step) return [`${query.name} was not answered in this step`];
    return known.beyond > 0 ? [tellBeyond(query, known)] : [];
  });
  return open.length === 0 ? null : open.join("; ");
}

function tellBeyond(query: WatchedQuery, { name, value }: WatchedValue): string {
  return `${name} is ${value}, ${value === null ? "unknown" : boundCrossed(query, value)}`;
}

/** The bound that a value is beyond, in words: `above 0.1`. */
function boundCrossed({ max, min }: WatchedQuery, value: number): string | null {
  if (max !== undefined && value > max) return `above ${max}`;
  return min !== undefined && value < min ? `below ${min}` : null;
}
