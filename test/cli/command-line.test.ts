// The command line itself: help, hints, streams, colours, widths, completion.
import { afterEach, expect, test, vi } from "vitest";
import { exitCodes } from "../../src/errors.ts";
import { verbs } from "../../src/program/verbs.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { emptyFolder, makeProject } from "./project.ts";

afterEach(() => vi.restoreAllMocks());

const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

test("mlship alone, mlship help and mlship --help say the same, and how to begin", async () => {
  const machine = new Machine(emptyFolder());
  const alone = await machine.run();
  expect(alone).toEqual({ exit: 0, stdout: alone.stdout, stderr: "" });
  expect((await machine.run("help")).stdout).toBe(alone.stdout);
  expect((await machine.run("--help")).stdout).toBe(alone.stdout);
  expect(alone.stdout).toMatchInlineSnapshot(`
    "Usage: mlship <verb> [flags]

    Decide with evidence whether a model may ship, then ship it safely.

    Start:
      init                      write mlship.yaml from what is in this folder
      config                    the configuration in force
      doctor                    check everything that the project needs
      help                      help on a verb or a topic
      completion                print a completion script for a shell

    Judge:
      scan                      what a model file can do when it is loaded
      validate                  judge the model on its test data

    Build:
      lock                      pin base image and packages in mlship.lock
      generate                  write Dockerfile and Kubernetes objects
      build                     build the model's image and try it out
      push                      send the built image to its registry
      keys                      keys that sign what is said about an image

    Ship:
      upload                    store the model under its version
      deploy                    validate, store, start, and shift traffic to it
      promote                   move the rollout under way to its next step now
      abort                     take the rollout under way back
      rollback                  let the version before serve again
      stop                      stop what serves
      gc                        remove from the store what no version leads to
      unlock                    take the rollout's lock from its holder

    Watch:
      status                    what runs where and why
      history                   what was promoted, refused and taken back, and why
      diff                      what differs between two versions
      versions                  released versions, newest first

    Flags:
      -V, --version             print the version
      --json                    print one JSON document on stdout, nothing else
      -q, --quiet               print results and errors only
      --verbose                 print causes and stacks of errors
      --no-color                no colour
      -C, --directory <folder>  work in this folder
      -e, --environment <name>  use this environment of mlship.yaml
      --set <path=value>        override a key of mlship.yaml; repeatable
      -h, --help                print help

    Examples:
      mlship init      write mlship.yaml from what is in this folder
      mlship validate  judge the model on its test data
      mlship deploy    ship it

    More:
      mlship help <verb>
      mlship help exit-codes
      mlship help environment
    "
  `);
});

test("help of a verb", async () => {
  const machine = new Machine(emptyFolder());
  const help = await machine.run("deploy", "--help");
  expect(help.exit).toBe(0);
  expect((await machine.run("help", "deploy")).stdout).toBe(help.stdout);
  expect(help.stdout).toMatchInlineSnapshot(`
    "Usage: mlship deploy [flags]

    Does all that is needed: validates, stores, starts the version beside the one
    that serves, replays labelled rows through it, gives it a growing share of
    requests, and promotes it or takes it back by what it does with them.

    Flags:
      --dry-run                 validate and show the plan; make, store and start
                                nothing
      --bump <level>            choose the next version by what changed, or on this
                                level, and write it to mlship.yaml (choices: "auto",
                                "major", "minor", "patch")
      --yes                     do not ask when the cluster may be the wrong one;
                                needed there where nobody can be asked
      --events <file>           append what happens as JSON lines
      -h, --help                print help

    Flags of every verb:
      -V, --version             print the version
      --json                    print one JSON document on stdout, nothing else
      -q, --quiet               print results and errors only
      --verbose                 print causes and stacks of errors
      --no-color                no colour
      -C, --directory <folder>  work in this folder
      -e, --environment <name>  use this environment of mlship.yaml
      --set <path=value>        override a key of mlship.yaml; repeatable

    Examples:
      mlship deploy
          ship the version in mlship.yaml
      mlship deploy --bump auto
          ship it as the next version, by what changed
      mlship deploy --dry-run
          what would happen
      mlship deploy --set deploy.canary.steps=[100]
          without a canary
    "
  `);
});

test("every verb has help with its examples, and none of it is wider than 60 columns", async () => {
  const machine = new Machine(emptyFolder());
  machine.columns = 60;
  for (const { name, examples } of verbs) {
    const { exit, stdout } = await machine.run("help", ...name.split(" "));
    expect(exit).toBe(0);
    for (const [command] of examples) expect(stdout).toContain(`\n  ${command}`);
    expect({ name, isNarrow: longest(stdout) <= 60 }).toEqual({ name, isNarrow: true });
  }
  expect(longest((await machine.run()).stdout)).toBeLessThanOrEqual(60);
});

test("help topics: exit codes and environment", async () => {
  const machine = new Machine(emptyFolder());
  const codes = await machine.run("help", "exit-codes");
  for (const code of Object.values(exitCodes))
    expect(codes.stdout).toMatch(new RegExp(`^ *${code}  \\S`, "m"));
  expect((await machine.run("help", "environment")).stdout).toContain("MLSHIP_SERVE_PORT=9000");
  const unknown = await machine.run("help", "exitcodes");
  expect(unknown).toEqual({
    exit: 2,
    stdout: "",
    stderr: "error: there is no help on 'exitcodes'\n  fix: see mlship help\n",
  });
});

test.each([
  [["deplyo"], "unknown verb 'deplyo'", "did you mean deploy? See mlship help"],
  [["config", "shw"], "unknown verb 'shw'", "did you mean show? See mlship help"],
  [["deploy", "--dryrun"], "unknown flag '--dryrun'", "did you mean --dry-run? See mlship help deploy"],
  [["validate", "--jsn"], "unknown flag '--jsn'", "did you mean --json? See mlship help validate"],
  [["deploy", "1.0.0"], "deploy takes no argument, but got 1.0.0", "see mlship help deploy"],
  [["scan", "a", "b"], "scan takes 1 argument, but got a, b", "see mlship help scan"],
  [["rollback", "--to"], "flag '--to <version>' needs a value", "see mlship help rollback"],
  [["completion"], "the argument shell is missing", "see mlship help completion"],
  [
    ["completion", "tcsh"],
    "'tcsh' is no shell: choose one of bash, zsh, fish, powershell",
    "see mlship help completion",
  ],
])("a command line that is wrong: %j", async (argv, what, fix) => {
  const machine = new Machine(emptyFolder());
  const told = await machine.run(...argv);
  expect(told).toEqual({ exit: 2, stdout: "", stderr: `error: ${what}\n  fix: ${fix}\n` });
  const document = await machine.run(...argv, "--json");
  expect(document).toMatchObject({ exit: 2, stderr: "" });
  expect(documentOf(document)).toEqual({
    schema: "mlship.error/v1",
    code: "usage.command-line",
    what,
    fix,
    problems: [],
    exit: 2,
  });
});

test("mlship config names what may stand behind it", async () => {
  const { exit, stdout, stderr } = await new Machine(emptyFolder()).run("config");
  expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
  expect(stderr).toContain("show");
  expect(stderr).toContain("error: a verb is missing behind mlship config");
});

test("--version", async () => {
  const { stdout } = await new Machine(emptyFolder()).run("--version");
  expect(stdout).toBe("0.1.0\n");
});

test.each(["bash", "zsh", "fish", "powershell"])("completion for %s", async (shell) => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => {});
  const { exit } = await new Machine(emptyFolder()).run("completion", shell);
  expect(exit).toBe(0);
  expect(printed.mock.calls.flat().join("\n")).toContain("mlship complete");
});

test.each([
  [["--", "de"], "deploy\t"],
  [["--", "deploy", "--"], "--dry-run\t"],
  [["--", "config", ""], "show\t"],
])("completing %j", async (words, expected) => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => {});
  await new Machine(emptyFolder()).run("complete", ...words);
  expect(printed.mock.calls.flat().join("\n")).toContain(expected);
});

test("in a folder without mlship.yaml every verb says so, as text and as one document", async () => {
  const machine = new Machine(emptyFolder());
  const before = machine.snapshot();
  for (const { name, arguments: wanted = [] } of verbs.filter((verb) => verb.name !== "init")) {
    const needed = wanted.filter(({ isRequired }) => isRequired).map(() => "1.0.0");
    const words = [...name.split(" "), ...needed];
    const told = await machine.run(...words);
    expect({ name, exit: told.exit, stdout: told.stdout }).toEqual({ name, exit: 2, stdout: "" });
    expect(told.stderr).toContain("mlship.yaml");
    expect(told.stderr).toContain("mlship init");
    const json = await machine.run(...words, "--json");
    expect(documentOf(json)).toMatchObject({ schema: "mlship.error/v1", code: "config.missing", exit: 2 });
  }
  expect(machine.snapshot()).toEqual(before);
});

test("an error as a person reads it", async () => {
  const machine = new Machine(emptyFolder());
  const { stderr } = await machine.run("deploy");
  expect(stderr.replace(machine.folder, "/home/ada/fraud")).toMatchInlineSnapshot(`
    "error: there is no mlship.yaml
      why: looked for /home/ada/fraud/mlship.yaml
      fix: run \`mlship init\` to write one, or go to its folder with -C FOLDER
    "
  `);
});

test("-q leaves results on stdout and nothing on stderr", async () => {
  const { exit, stdout, stderr } = await new Machine(makeProject()).run("validate", "-q");
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  expect(stdout).toContain("may ship");
});

test("an unexpected failure is a fault of mlship: exit 1; --verbose shows where", async () => {
  const machine = new Machine(makeProject());
  machine.faults.onAct = () => {
    throw new TypeError("boom");
  };
  const { exit, stderr } = await machine.run("validate", "--verbose");
  expect(exit).toBe(1);
  expect(stderr).toContain("error: boom\n  why: this is a fault in mlship, not in your project");
  expect(stderr).toContain("TypeError: boom\n    at ");
});

const escape = "\u001B[";

test.each([
  ["a terminal", true, {}, [], true],
  ["no terminal", false, {}, [], false],
  ["NO_COLOR", true, { NO_COLOR: "1" }, [], false],
  ["FORCE_COLOR", false, { FORCE_COLOR: "1" }, [], true],
  ["FORCE_COLOR=0", true, { FORCE_COLOR: "0" }, [], false],
  ["TERM=dumb", true, { TERM: "dumb" }, [], false],
  ["--no-color", true, {}, ["--no-color"], false],
] as const)("colour: %s", async (_name, isTerminal, env, flags, coloured) => {
  const machine = new Machine(makeProject());
  machine.isTerminal = isTerminal;
  machine.env = env;
  const { stdout } = await machine.run("scan", ...flags);
  expect(stdout.includes(escape)).toBe(coloured);
  const { stderr } = await machine.run("rollback", ...flags);
  expect(stderr.includes(escape)).toBe(coloured);
});
