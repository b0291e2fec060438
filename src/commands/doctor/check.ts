// One thing that a project needs, looked at by itself: what is wrong with it hides nothing else.
import { MlshipError } from "../../errors.ts";

/** A look at one thing. */
export interface Check {
  /** What is looked at: `python`. */
  name: string;
  /** Throws an MlshipError when it is not as it must be. */
  look: () => Promise<Look>;
}

/** What was seen, in a few words, and what would be better. */
export interface Look {
  found: string;
  advice?: string | null;
}

/** What came of a check. */
export interface Finding {
  check: string;
  /** warn: it works, and there is something to know. */
  outcome: "ok" | "warn" | "fail";
  found: string;
  /** What to do now; null where nothing is to be done. */
  fix: string | null;
  /** Code of the error; null unless the check fails. */
  code: string | null;
}

/** Carries a check out. Ctrl-C, and faults of mlship itself, end the whole command. */
export async function lookAt({ name, look }: Check): Promise<Finding> {
  try {
    const { found, advice = null } = await look();
    return { check: name, outcome: advice === null ? "ok" : "warn", found, fix: advice, code: null };
  } catch (error) {
    if (!(error instanceof MlshipError) || error.exit === "interrupted") throw error;
    const { what, why, problems, fix = null, code } = error;
    const all = problems.map((one) => (one.fix === undefined ? one.what : `${one.what} → ${one.fix}`));
    return {
      check: name,
      outcome: "fail",
      found: [why === undefined ? what : `${what}: ${why}`, ...all].join("\n"),
      fix,
      code,
    };
  }
}
