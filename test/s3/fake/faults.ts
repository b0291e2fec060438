// What is to go wrong, and when: a script that the fake S3 server follows request by request.
import type { Head, Operation } from "./request.ts";

/** An answer that is no success. */
interface Refused {
  status: number;
  /** S3's name for it: `SlowDown`. */
  code: string;
  headers?: Record<string, string>;
}

export type Fault =
  /** Reads so many bytes of the body, closes the connection, and does nothing. */
  | { kind: "cut-request"; after: number }
  /** Does it, sends so many bytes of the answer's body, and closes the connection. */
  | { kind: "cut-reply"; after: number }
  /** Does it, and closes the connection without a word. */
  | { kind: "lose-reply" }
  /** Reads the body, does nothing, and says so. */
  | ({ kind: "refuse" } & Refused)
  /** Says so before it has read the body, and closes the connection. */
  | ({ kind: "refuse-early" } & Refused)
  /** Does it, and says that it failed. */
  | ({ kind: "act-then-refuse" } & Refused)
  /** Does nothing, and answers 200 with an error in the body, as Complete may. */
  | { kind: "error-in-200"; code: string }
  /** Does it, and sends the answer's body in small pieces. */
  | { kind: "drip"; bytes: number; everyMs: number }
  /** Reads the body and never answers. */
  | { kind: "stall" };

export interface Rule {
  when: (request: Head) => boolean;
  fault: Fault;
  /** How many requests it befalls; by default one. */
  times?: number;
  /** Called when a request meets the fault, before anything of the fault is done. */
  met?: (request: Head) => void;
  /** Called when the server has done what the request asked, before it says so. */
  acted?: (request: Head) => void;
}

export interface FaultScript {
  add(rule: Rule): void;
  /** Nothing goes wrong any more. */
  clear(): void;
  /** The rule that a request falls under, or null. Of several the one that was added first counts. */
  next(request: Head): Rule | null;
}

export function createFaultScript(): FaultScript {
  const rules: { rule: Rule; left: number }[] = [];
  return {
    add: (rule) => void rules.push({ rule, left: rule.times ?? 1 }),
    clear: () => void rules.splice(0),
    next(request) {
      const found = rules.find(({ rule, left }) => left > 0 && rule.when(request));
      if (found === undefined) return null;
      found.left -= 1;
      found.rule.met?.(request);
      return found.rule;
    },
  };
}

/** Requests of one kind, from the n-th of them on. */
export function nth(operation: Operation, from = 1): (request: Head) => boolean {
  let seen = 0;
  return (request) => {
    if (request.operation !== operation) return false;
    seen += 1;
    return seen >= from;
  };
}

/** The throttle that S3 answers with when it is asked too often. */
export const slowDown = { kind: "refuse", status: 503, code: "SlowDown" } as const;
