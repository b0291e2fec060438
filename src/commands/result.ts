// What a verb gives back: one document and how the process ends.
import type { Exit } from "../errors.ts";

/** A versioned document: `mlship.report/v1`. It is what `--json` prints. */
export interface ResultDocument {
  schema: string;
}

/** The outcome of a verb. An expected bad outcome (a failed gate) is a result; a failure is thrown. */
export interface Result<Document extends ResultDocument = ResultDocument> {
  document: Document;
  exit: Exit;
  /** Lines for the CI system that runs the verb, on stderr, whatever else is quiet. */
  annotations?: readonly string[];
}

/** Which mlship.yaml, and with which changes: the flags that choose a project's configuration. */
export interface ProjectOptions {
  /** `-e`: the environment overlay. */
  environment: string | undefined;
  /** `--set path=value`, in order. */
  set: string[];
}
