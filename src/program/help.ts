// How help is laid out: what it is for, the verbs, and only then the flags.
import type { Command, Help } from "commander";

/** Formats help for commander; narrow terminals included. */
export function formatHelp(command: Command, helper: Help): string {
  const width = helper.padWidth(command, helper);
  const section = (title: string, items: [term: string, about: string][]) =>
    items.length === 0
      ? []
      : [
          helper.styleTitle(title),
          ...items.map(([term, about]) => helper.formatItem(term, width, about, helper)),
          "",
        ];
  const groups = helper.groupItems([...command.commands], helper.visibleCommands(command), (one) =>
    one.helpGroup(),
  );
  return [
    `${helper.styleTitle("Usage:")} ${helper.commandUsage(command)}`,
    "",
    helper.boxWrap(helper.commandDescription(command), helper.helpWidth ?? 80),
    "",
    ...section(
      "Arguments:",
      helper
        .visibleArguments(command)
        .map((argument) => [helper.argumentTerm(argument), helper.argumentDescription(argument)]),
    ),
    ...[...groups].flatMap(([title, commands]) =>
      section(
        title,
        commands.map((one) => [helper.subcommandTerm(one), helper.subcommandDescription(one)]),
      ),
    ),
    ...section(
      "Flags:",
      helper
        .visibleOptions(command)
        .map((option) => [helper.optionTerm(option), helper.optionDescription(option)]),
    ),
    ...section(
      "Flags of every verb:",
      helper
        .visibleGlobalOptions(command)
        .map((option) => [helper.optionTerm(option), helper.optionDescription(option)]),
    ),
  ].join("\n");
}

/** Examples below a heading: beside what they are for, or above it where the line would be too long. */
export function formatExamples(
  heading: string,
  examples: [command: string, about: string][],
  columns: number,
): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  const fits = examples.every(([, about]) => 4 + width + about.length <= columns);
  const lines = examples.map(([command, about]) =>
    fits ? `  ${command.padEnd(width)}  ${about}` : `  ${command}\n      ${about}`,
  );
  return `\n${heading}\n${lines.join("\n")}`;
}
