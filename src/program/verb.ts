// What a verb of the command line is: its words, its flags, and the way to its command.
import type { Host } from "../commands/host.ts";
import type { ProjectOptions, Result, ResultDocument } from "../commands/result.ts";
import type { Render, Screen } from "../ui/screen.ts";

/** The values of a verb's arguments and flags. */
export class Values {
  readonly #values: Readonly<Record<string, unknown>>;
  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }
  /** The values of a flag that may have several; none when it stands alone or is not there. */
  texts(name: string): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
  }
  flag(name: string): boolean {
    return this.#values[name] === true;
  }
  /** Whether `--no-NAME` was given. */
  isOff(name: string): boolean {
    return this.#values[name] === false;
  }
}

/** What a verb did, and how a person is told. */
export interface Performed extends Result {
  show: (screen: Screen) => string;
}

/** Runs a verb. */
export type Perform = (values: Values, host: Host, project: ProjectOptions) => Promise<Performed>;

/** One line of the table in verbs.ts. */
export interface Verb {
  name: string;
  group: "Start" | "Judge" | "Build" | "Ship" | "Watch";
  /** Of a group of verbs: the one that runs when none is named. */
  isDefault?: boolean;
  summary: string;
  /** Shown below the usage line of `mlship help VERB`. */
  about: string;
  arguments?: { name: string; about: string; choices?: string[]; isRequired?: boolean }[];
  flags?: { flags: string; about: string; choices?: string[] }[];
  examples: [command: string, about: string][];
  /** Imports the command and its renderer: nothing of them is loaded for `--help`. */
  load(): Promise<Perform>;
}

/** Joins a command with the renderer of its own document. */
export function shown<Document extends ResultDocument>(
  run: (values: Values, host: Host, project: ProjectOptions) => Promise<Result<Document>>,
  renderOf: (values: Values) => Render<Document>,
): Perform {
  return async (values, host, project) => {
    const { document, exit, annotations = [] } = await run(values, host, project);
    return { document, exit, annotations, show: (screen) => renderOf(values)(document, screen) };
  };
}
