// The command line that commander parses, made from the table of verbs.
import { Argument, Command, Option } from "commander";
import { exitCodes } from "../errors.ts";
import type { Shell } from "../shell.ts";
import { makeStyle, wantsColour } from "../ui/style.ts";
import { visible } from "../ui/visible.ts";
import { formatExamples, formatHelp } from "./help.ts";
import { topics } from "./topics.ts";
import { Values, type Performed, type Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

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
    .option("--json", "print one JSON document on stdout, nothing else")
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
      // main.ts prints errors, so that those of the command line look like all others.
      outputError: () => {},
    })
    .configureHelp({
      styleTitle: (title) => style("bold", title),
      subcommandTerm: (command) => command.name(),
      minWidthToWrap: 20,
      showGlobalOptions: true,
      formatHelp,
    })
    .addHelpText("after", () => {
      const examples = formatExamples(style("bold", "Examples:"), firstExamples, shell.stdout.columns);
      const more = ["<verb>", ...Object.keys(topics)].map((topic) => `  mlship help ${topic}`);
      return `${examples}\n\n${style("bold", "More:")}\n${more.join("\n")}`;
    });
  for (const verb of verbs) addVerb(program, verb, shell, exit);
  addHelp(program, shell);
  return program;
}

const firstExamples: [string, string][] = [
  ["mlship init", "write mlship.yaml from what is in this folder"],
  ["mlship validate", "judge the model on its test data"],
  ["mlship deploy", "ship it"],
];

function addVerb(program: Command, verb: Verb, shell: Shell, exit: (code: number) => void): void {
  const [first = "", ...rest] = verb.name.split(" ");
  const parent = rest.length
    ? (program.commands.find((command) => command.name() === first) ??
      program
        .command(first)
        .helpGroup(`${verb.group}:`)
        .usage("<verb>")
        .helpCommand(false)
        .description(verb.summary))
    : program;
  const command = parent.command(rest.at(-1) ?? first, { isDefault: verb.isDefault ?? false });
  command
    .helpGroup(rest.length > 0 ? "Verbs:" : `${verb.group}:`)
    .usage(["[flags]", ...(verb.arguments ?? []).map(termOf)].join(" "))
    .summary(verb.summary)
    .description(verb.about)
    .addHelpText("after", () => {
      const style = makeStyle(wantsColour(shell.env, shell.stdout.isTerminal, false));
      return formatExamples(style("bold", "Examples:"), verb.examples, shell.stdout.columns);
    });
  for (const argument of verb.arguments ?? []) {
    const made = new Argument(termOf(argument), argument.about);
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
    const perform = await verb.load();
    try {
      const performed = await perform(values, host, {
        environment: flags.environment,
        set: flags.set ?? [],
      });
      print(performed, shell, flags);
      exit(exitCodes[performed.exit]);
    } finally {
      host.close();
    }
  });
}

function termOf({ name, isRequired }: NonNullable<Verb["arguments"]>[number]): string {
  return isRequired ? `<${name}>` : `[${name}]`;
}

function print({ document, show, annotations = [] }: Performed, shell: Shell, flags: GlobalFlags): void {
  for (const line of annotations) shell.stderr.write(visible(`${line}\n`));
  if (flags.json) {
    shell.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const colour = wantsColour(shell.env, shell.stdout.isTerminal, flags.color === false);
  const { columns: width, isTerminal: terminal } = shell.stdout;
  const style = makeStyle(colour);
  shell.stdout.write(visible(show({ width, terminal, style }), style));
}

function addHelp(program: Command, shell: Shell): void {
  program
    .command("help")
    .helpGroup("Start:")
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
        if (!next) program.error(`there is no help on '${words.join(" ")}'`);
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
