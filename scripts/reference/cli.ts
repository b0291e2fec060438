// docs/reference/cli.md: every verb with its usage, flags, examples and exit codes, from the table of verbs.
import type { Command } from "commander";
import { exitCodes, type Exit } from "../../src/errors.ts";
import { makeProgram } from "../../src/program/program.ts";
import type { Verb } from "../../src/program/verb.ts";
import { verbs } from "../../src/program/verbs.ts";
import type { Shell } from "../../src/shell.ts";
import { block, cell, code, page, table } from "./markdown.ts";

/** How each verb can end besides 0, 1 (a fault in mlship) and 130 (interrupted), which all can. */
const ends: Record<string, Partial<Record<Exit, string>>> = {
  init: {
    usage: "mlship.yaml is here already, or what is in the folder is unclear",
    gate: "loading the model could run code",
    unavailable: "Python or the package index is missing",
  },
  "config show": { usage: "the configuration has problems" },
  scan: { usage: "there is no model of a known format", gate: "not all of it is proved safe" },
  validate: {
    usage: "configuration, model or data cannot be used",
    gate: "a gate failed or has no value, or loading the model could run code",
    inconclusive: "a gate could not be decided",
    unavailable: "Python or the package index is missing",
  },
  lock: {
    usage: "model, requirements or base cannot be locked; with `--check`: the lock is missing or out of date",
    gate: "loading the model could run code",
    unavailable: "Python, the package index or the registry is missing or refuses",
  },
  generate: {
    usage: "as `lock`, or the lock has drifted; with `--check`: a file differs from what would be written",
    gate: "loading the model could run code",
    inconclusive: "as `validate`",
    unavailable: "as `validate` and `lock`",
  },
  build: {
    usage: "as `generate`, or a file of the context looks like a secret",
    gate: "a gate failed, or the built image is too large, answers differently, loses requests when it ends or has known vulnerabilities; nothing was kept",
    inconclusive: "as `validate`, or there are no rows to compare the image with",
    unavailable: "as `generate`, or Docker is missing, or an instruction of the build failed",
    attention: "a kept image is damaged",
  },
  push: {
    usage: "there is no image of this version, or the version stands for another image",
    unavailable: "the registry is missing or refuses",
    attention: "the kept image is damaged, or the registry holds other bytes than were sent",
  },
  "keys new": { usage: "a file of that name is there" },
  "keys show": {
    usage: "there is no key, or it is of another kind",
    unavailable: "its password is missing or wrong",
  },
  upload: {
    usage: "as `validate`, or the version stands for another model, or does not say what changed for callers",
    gate: "as `validate`; nothing was stored",
    inconclusive: "as `validate`; nothing was stored",
    unavailable: "as `validate`, or the store is full or refuses",
    attention: "the store is damaged, or `--bump` could not write the version that was released",
  },
  deploy: {
    usage: "as `upload`, or the plan of the canary cannot work, or the place was not confirmed",
    gate: "a gate failed, or the canary was taken back",
    inconclusive: "not enough evidence; the version that served before serves",
    unavailable:
      "as `upload` and `push`, or the port is in use, or the cluster lacks what the rollout needs or does not answer",
    locked: "another command drives a rollout",
    attention: "the state needs a person",
  },
  doctor: {
    usage: "the configuration has problems, or `--policy` is asked for a store that is no S3 bucket",
    unavailable: "something is missing or refused; each finding says what, and its cure",
  },
  promote: {
    usage: "no rollout is under way",
    locked: "another command holds the lock",
    attention: "the driver does not answer, or the state needs a person",
  },
  abort: {
    usage: "no rollout is under way",
    locked: "another command holds the lock",
    attention: "the driver does not answer, or the state needs a person",
  },
  rollback: {
    usage: "there is no version to go back to",
    gate: "the version did not start, or answers differently from when it was validated",
    unavailable: "the store, Python or the port is missing",
    locked: "another command drives a rollout",
    attention: "the state needs a person",
  },
  unlock: {
    usage:
      "not confirmed: off a terminal `--yes` is needed; on this machine the lock is never taken from a process that lives",
    unavailable: "the cluster does not answer, or a right is missing",
    attention: "another command took the lock at the same moment",
  },
  gc: {
    usage: "not confirmed: off a terminal `--delete` needs `--yes`; `--grace` is no duration",
    unavailable: "the store refuses",
    attention: "a release is missing or damaged: nothing is removed until it is there again",
  },
  stop: {
    usage: "not confirmed: off a terminal `--yes` is needed",
    locked: "another command drives a rollout",
    attention: "the gateway does not end",
  },
  status: { usage: "the configuration has problems", attention: "the store or a record is damaged" },
  diff: {
    usage: "there is no such version, nothing serves in the channel, or the model has no report yet",
    unavailable: "the store refuses",
    attention: "the store is damaged",
  },
  history: {
    usage: "the configuration has problems",
    unavailable: "the store refuses",
    attention: "an entry is damaged or missing",
  },
  "versions list": {
    usage: "the configuration has problems",
    unavailable: "the store refuses",
    attention: "a version or a log is damaged",
  },
  "versions show": {
    usage: "there is no such version, or nothing serves in the channel",
    unavailable: "the store refuses",
    attention: "the version is damaged",
  },
  "versions pull": {
    usage: "as `versions show`, or the folder is there already",
    unavailable: "the store refuses",
    attention: "the version is damaged; nothing was written",
  },
  "versions verify": {
    usage: "as `versions show`",
    unavailable: "the store refuses",
    attention: "something is damaged or missing; each object is named",
  },
  "versions tag": {
    usage: "as `versions show`, or a target serves by the channel",
    unavailable: "the store refuses, or cannot keep two writers apart",
    attention: "somebody else moved the channel at the same moment, or the store is damaged",
  },
};

/** The command line itself, for its own flags; it is never run. */
export function programOf(shell: Partial<Shell> = {}): Command {
  const sink = { write: () => {}, isTerminal: false, columns: 100 };
  const none = () => Promise.reject(new Error("no verb runs here"));
  return makeProgram(
    { stdout: sink, stderr: sink, env: {}, version: "0.0.0", host: none, ...shell },
    () => {},
  );
}

/** The page. */
export function cliPage(): string {
  const program = programOf();
  const shared = program.options.map(({ flags, description }) => [code(flags), cell(description)]);
  const own = ["help", "completion"].flatMap((name) => {
    const command = program.commands.find((candidate) => candidate.name() === name);
    return command ? [`## mlship ${name}`, sentence(command.description())] : [];
  });
  return page(
    "# Command line",
    "What `mlship help` prints about each verb, in one page. Data goes to stdout, everything else to stderr. What the exit codes mean: [exit-codes.md](exit-codes.md); what the errors mean: [errors.md](errors.md).",
    "## Flags of every verb",
    table(["flag", "what it does"], shared),
    "Off a terminal there is no spinner, no colour and no question; tables become lines with tabs.",
    ...verbs.flatMap(partsOf),
    ...own,
  );
}

function partsOf(verb: Verb): string[] {
  const names = (verb.arguments ?? []).map(({ name }) => ` [${name}]`).join("");
  const inputs = [
    ...(verb.arguments ?? []).map(({ name, about }) => [code(`[${name}]`), cell(about)]),
    ...(verb.flags ?? []).map(({ flags, about }) => [code(flags), cell(about)]),
  ];
  const width = Math.max(...verb.examples.map(([command]) => command.length));
  const examples = verb.examples.map(([command, about]) => `${command.padEnd(width)}  # ${about}`);
  const endings = Object.entries(ends[verb.name] ?? {});
  if (endings.length === 0) throw new Error(`say in scripts/reference/cli.ts how ${verb.name} ends`);
  const rows = endings.map(([exit, about]) => [String(exitCodes[exit as Exit]), about]);
  return [
    `## mlship ${verb.name}`,
    `${verb.summary[0]?.toUpperCase()}${verb.summary.slice(1)}. ${verb.about}`,
    block("text", `mlship ${verb.name}${names}${verb.flags ? " [flags]" : ""}`),
    inputs.length > 0 ? table(["argument or flag", "what it does"], inputs) : "",
    block("sh", examples.join("\n")),
    table(["exit", "when"], [["0", "done"], ...rows]),
  ];
}

function sentence(text: string): string {
  return text.replace(/: (source .*)$/, ": `$1`");
}
