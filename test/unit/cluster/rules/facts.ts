// What the rules of Kubernetes' checkers ask, each question once: whether it holds, and a change that breaks it.
import { objectFacts } from "./object-facts.ts";
import { podFacts } from "./pod-facts.ts";
import type { Thing } from "./view.ts";

export interface Fact {
  holds(things: Thing[]): boolean;
  /** Changes the objects so that the fact does not hold. */
  breaks(things: Thing[]): unknown;
}

export const facts = { ...podFacts, ...objectFacts } as const;
export type FactName = keyof typeof facts;

/** The facts that a checker's rules ask for, by rule. */
export type Rules = Readonly<Record<string, FactName | readonly FactName[]>>;
