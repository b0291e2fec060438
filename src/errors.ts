// The one error type of mlship, and the exit codes that its callers can rely on.

/** What a process exit code of mlship means. `mlship help exit-codes` prints this table. */
export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  gate: 3,
  inconclusive: 4,
  unavailable: 5,
  locked: 6,
  attention: 7,
  interrupted: 130,
} as const;

/** The name of an exit code. */
export type Exit = keyof typeof exitCodes;

/** A place in a text file; line and column count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/** One of several findings that an error reports together. */
export interface Problem {
  what: string;
  fix?: string;
  at?: Place;
}

/** The parts of an {@link MlshipError}, in the order in which they are printed. */
export interface ErrorParts {
  /** Stable, dotted, lower case: `config.unknown-key`. Documented in docs/reference/errors.md. */
  code: string;
  /** One sentence without a full stop that names the thing that failed. */
  what: string;
  /** The cause, when `what` does not already say it. */
  why?: string;
  /** What the reader can do now, as an instruction. */
  fix?: string;
  exit: Exit;
  at?: Place;
  /** All findings of the same kind, when there can be more than one. */
  problems?: Problem[];
  cause?: unknown;
}

/** An expected failure: printed as what, why and fix, and turned into an exit code by `main.ts`. */
export class MlshipError extends Error {
  readonly code: string;
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly exit: Exit;
  readonly at: Place | undefined;
  readonly problems: Problem[];

  constructor(parts: ErrorParts) {
    super(parts.what, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "MlshipError";
    this.code = parts.code;
    this.why = parts.why;
    this.fix = parts.fix;
    this.exit = parts.exit;
    this.at = parts.at;
    this.problems = parts.problems ?? [];
  }

  /** The one-sentence statement of what failed. */
  get what(): string {
    return this.message;
  }
}
