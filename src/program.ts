// Every verb of mlship with its flags, examples, command and renderer, in one table.
import { Argument, Command, Option } from "commander";
import type { Host } from "./commands/host.ts";
import type { ProjectOptions, Result, ResultDocument } from "./commands/result.ts";
import { exitCodes } from "./errors.ts";
import type { Shell } from "./shell.ts";
import type { Render } from "./ui/screen.ts";
import { makeStyle, wantsColour } from "./ui/style.ts";

/** The flags of {@link GlobalOptions} as commander names them. */
export interface GlobalFlags {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  color?: boolean;
  directory?: string;
  environment?: string;
  set?: string[];
}

/** The values of a verb's arguments and flags. */
class Values {
  readonly #values: Readonly<Record<string, unknown>>;
  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }
  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}

/** A command and the renderer of its document, loaded when the verb is run. */
interface Loaded {
  run: (values: Values, host: Host, project: ProjectOptions) => Promise<Result>;
  render: Render<never>;
}

interface Verb {
  name: string;
  group: "Start" | "Judge" | "Ship" | "Watch";
  summary: string;
  /** Shown below the usage line of `mlship help VERB`. */
  about: string;
  arguments?: { name: string; about: string; choices?: string[] }[];
  flags?: { flags: string; about: string; choices?: string[] }[];
  examples: [command: string, about: string][];
  load(): Promise<Loaded>;
}

/** Joins a command with the renderer of its own document. */
function loaded<Document extends ResultDocument>(
  run: (values: Values, host: Host, project: ProjectOptions) => Promise<Result<Document>>,
  render: Render<Document>,
): Loaded {
  return { run, render };
}

const yes = { flags: "--yes", about: "do not ask" };

const verbs: Verb[] = [];

/** The topics of `mlship help` that are not verbs. */
const topics: Record<string, { about: string; text: string }> = {
  "exit-codes": {
    about: "what each exit code means",
    text: [
      [exitCodes.done, "done"],
      [exitCodes.internal, "internal error: a fault in mlship"],
      [exitCodes.usage, "usage or configuration: the command line, mlship.yaml, or a file it names"],
      [exitCodes.gate, "a gate failed: the model was judged bad, or its canary was taken back"],
      [exitCodes.inconclusive, "inconclusive: not enough evidence, nothing was promoted"],
      [exitCodes.unavailable, "a tool, server or credential is missing or refused"],
      [exitCodes.locked, "another rollout holds the lock"],
      [exitCodes.attention, "the state needs a person"],
      [exitCodes.interrupted, "interrupted by Ctrl-C or a signal"],
    ]
      .map(([code, about]) => `${String(code).padStart(4)}  ${about}\n`)
      .join(""),
  },
  environment: {
    about: "variables that mlship reads",
    text: [
      ["MLSHIP_<KEY>", "overrides a key of mlship.yaml: MLSHIP_SERVE_PORT=9000"],
      ["MLSHIP_ENVIRONMENT", "the environment, as -e"],
      ["MLSHIP_CACHE", "folder for Python environments (default: mlship in the user's cache folder)"],
      ["NO_COLOR, FORCE_COLOR", "colour off, colour on"],
      ["CI", "no prompts, no live lines"],
    ]
      .map(([name, about]) => `  ${String(name).padEnd(22)}  ${about}\n`)
      .join(""),
  },
};

/**
 * The command line. Nothing heavy is imported until a verb runs.
 * @param exit told the exit code of the verb that ran
 */
export function makeProgram(shell: Shell, exit: (code: number) => void): Command {
  const program = makeVerbs(shell, exit);
  addCompletion(program, shell);
  return program;
}

function makeVerbs(shell: Shell, exit: (code: number) => void): Command {
  const program = new Command("mlship");
  const style = makeStyle(wantsColour(shell.env, shell.stdout.isTerminal, false));
  program
    .description("Decide with evidence whether a model may ship, then ship it safely.")
    .usage("<verb> [flags]")
    .version(shell.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .option("--json", "print one JSON document on stdout and nothing else there")
    .option("-q, --quiet", "print results and errors only")
    .option("--verbose", "print causes and stacks of errors")
    .option("--no-color", "no colour")
    .option("-C, --directory <folder>", "work in this folder")
    .option("-e, --environment <name>", "use this environment of mlship.yaml")
    .option("--set <path=value>", "override a key of mlship.yaml; repeatable", collect)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      getOutHelpWidth: () => shell.stdout.columns,
      getErrHelpWidth: () => shell.stderr.columns,
      outputError: (text, write) => write(text.replace(/^error: /, "error: ")),
    })
    .configureHelp({
      styleTitle: (title) => style("bold", title),
      subcommandTerm: (command) => command.name(),
    })
    .addHelpText(
      "after",
      () =>
        `\n${style("bold", "Examples:")}\n  mlship init                 write mlship.yaml from what is in this folder\n  mlship validate             judge the model on its test data\n  mlship deploy               validate, store, start, and shift traffic to it\n\nMore: mlship help <verb>, ${Object.keys(
          topics,
        )
          .map((topic) => `mlship help ${topic}`)
          .join(", ")}\n`,
    );
  for (const verb of verbs) addVerb(program, verb, shell, exit);
  addHelp(program, shell);
  return program;
}

function addVerb(program: Command, verb: Verb, shell: Shell, exit: (code: number) => void): void {
  const [first = "", ...rest] = verb.name.split(" ");
  const parent = rest.length
    ? (program.commands.find((command) => command.name() === first) ??
      program.command(first).description(verb.summary))
    : program;
  const command = parent.command(rest.at(-1) ?? first);
  command
    .helpGroup(`${verb.group}:`)
    .summary(verb.summary)
    .description(verb.about)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", () => examplesOf(verb));
  for (const argument of verb.arguments ?? []) {
    const made = new Argument(`[${argument.name}]`, argument.about);
    command.addArgument(argument.choices ? made.choices(argument.choices) : made);
  }
  for (const { flags, about, choices } of verb.flags ?? []) {
    const made = new Option(flags, about);
    command.addOption(choices ? made.choices(choices) : made);
  }
  command.action(async () => {
    const flags: GlobalFlags = program.opts();
    const named = (verb.arguments ?? []).map((argument, place) => [argument.name, command.args[place]]);
    const values = new Values({ ...command.opts(), ...Object.fromEntries(named) });
    const host = await shell.host({
      json: flags.json ?? false,
      quiet: flags.quiet ?? false,
      verbose: flags.verbose ?? false,
      colour: flags.color !== false,
      directory: flags.directory,
      environment: flags.environment,
      set: flags.set ?? [],
    });
    const { run, render } = await verb.load();
    const result = await run(values, host, { environment: flags.environment, set: flags.set ?? [] });
    print(result, render, shell, flags);
    exit(exitCodes[result.exit]);
  });
}

function print(result: Result, render: Render<never>, shell: Shell, flags: GlobalFlags): void {
  if (flags.json) {
    shell.stdout.write(`${JSON.stringify(result.document, null, 2)}\n`);
    return;
  }
  const colour = wantsColour(shell.env, shell.stdout.isTerminal, flags.color === false);
  const screen = { width: shell.stdout.columns, terminal: shell.stdout.isTerminal, style: makeStyle(colour) };
  // The table pairs each command with the renderer of its own document, see `loaded`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  shell.stdout.write(render(result.document as never, screen));
}

function examplesOf(verb: Verb): string {
  const width = Math.max(...verb.examples.map(([command]) => command.length));
  const lines = verb.examples.map(([command, about]) => `  ${command.padEnd(width)}  ${about}\n`);
  return `\nExamples:\n${lines.join("")}`;
}

function addHelp(program: Command, shell: Shell): void {
  program
    .command("help")
    .summary("help on a verb or a topic")
    .description("Prints help on a verb, or on one of the topics exit-codes and environment.")
    .argument("[verb or topic...]")
    .action((words: string[]) => {
      const topic = topics[words.join(" ")];
      if (topic) {
        shell.stdout.write(topic.text);
        return;
      }
      let command = program;
      for (const word of words) {
        const next = command.commands.find((candidate) => candidate.name() === word);
        if (!next) program.error(`error: unknown help topic '${words.join(" ")}'`);
        command = next;
      }
      command.outputHelp();
    });
}

function addCompletion(program: Command, shell: Shell): void {
  // The completion library adds commands of the same names, so it gets a program without ours.
  const completer = async () => {
    const { default: complete } = await import("@bomb.sh/tab/commander");
    return complete(
      makeVerbs(shell, () => {}),
      { completionCommandName: "completion" },
    );
  };
  program
    .command("completion")
    .helpGroup("Start:")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes verbs and flags: source <(mlship completion bash)")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish", "powershell"]))
    .action(async (name: string) => (await completer()).setup("mlship", "mlship", name));
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => (await completer()).parse(words));
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
