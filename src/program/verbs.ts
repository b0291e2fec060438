// Every verb of mlship with its flags, examples, command and renderer, in one table.
import { buildVerb } from "./build-verb.ts";
import { keysVerbs } from "./keys-verbs.ts";
import { generateVerb } from "./generate-verb.ts";
import { lockVerb } from "./lock-verb.ts";
import { pushVerb } from "./push-verb.ts";
import { shown, type Values, type Verb } from "./verb.ts";

/** In the order of `mlship --help`, group by group. */
export const verbs: Verb[] = [
  {
    name: "init",
    group: "Start",
    summary: "write mlship.yaml from what is in this folder",
    about:
      "Recognises the model, the labelled rows and the target column, scores the model once, and writes mlship.yaml with gates a little below what it reaches today.",
    flags: [
      { flags: "--model <file>", about: "the model, when there are several" },
      { flags: "--data <file>", about: "the labelled rows, when there are several files" },
      { flags: "--target <column>", about: "the column that holds the true value" },
      { flags: "--name <name>", about: "name of the model (default: from the folder)" },
      { flags: "--force", about: "replace a mlship.yaml that is there" },
    ],
    examples: [
      ["mlship init", "find everything out"],
      ["mlship init --data holdout.parquet --target churned", "say what is unclear"],
    ],
    async load() {
      const [{ init }, { renderInit }] = await Promise.all([
        import("../commands/init.ts"),
        import("../ui/init.ts"),
      ]);
      const options = (values: Values) => ({
        model: values.text("model"),
        data: values.text("data"),
        target: values.text("target"),
        name: values.text("name"),
        force: values.flag("force"),
      });
      return shown(
        (values, host) => init(options(values), host),
        () => renderInit,
      );
    },
  },
  {
    name: "config show",
    group: "Start",
    summary: "the configuration in force",
    about: "Prints every value of the configuration, defaults and overrides included.",
    flags: [{ flags: "--origin", about: "also where each value comes from" }],
    examples: [
      ["mlship config show --origin", "why is it that value?"],
      ["mlship config show -e staging", "what differs in an environment"],
    ],
    async load() {
      const [{ showConfig }, ui] = await Promise.all([
        import("../commands/config.ts"),
        import("../ui/config.ts"),
      ]);
      const renderOf = (values: Values) => (values.flag("origin") ? ui.renderConfigOrigins : ui.renderConfig);
      return shown((_values, host, project) => showConfig(host, project), renderOf);
    },
  },
  {
    name: "scan",
    group: "Judge",
    summary: "what a model file can do when it is loaded",
    about:
      "Reads a model's bytes, without loading it, and names everything that loading it would reach. Exit 3 unless all of it is proved safe.",
    arguments: [{ name: "file", about: "a model file or folder (default: the project's model)" }],
    examples: [
      ["mlship scan", "the project's model"],
      ["mlship scan downloads/model.pkl", "any file, before anything opens it"],
    ],
    async load() {
      const [{ scan }, { renderScan }] = await Promise.all([
        import("../commands/scan.ts"),
        import("../ui/scan.ts"),
      ]);
      return shown(
        (values, host, project) => scan({ file: values.text("file") }, host, project),
        () => renderScan,
      );
    },
  },
  {
    name: "validate",
    group: "Judge",
    summary: "judge the model on its test data",
    about:
      "Scans the model, scores it on the labelled rows in its locked environment, and judges the metrics by the gates of mlship.yaml. Exit 3 when a gate fails, 4 when one cannot be decided.",
    flags: [
      { flags: "-o, --output <file>", about: "also write the report as JSON" },
      { flags: "--markdown <file>", about: "also write the report as Markdown, for a pull request" },
    ],
    examples: [
      ["mlship validate", "before a commit"],
      ["mlship validate --json > report.json", "in a script"],
      ["mlship validate --set validate.gates.accuracy.min=0.95", "with another gate"],
    ],
    async load() {
      const [{ validate }, { renderReport }] = await Promise.all([
        import("../commands/validate.ts"),
        import("../ui/report.ts"),
      ]);
      const options = (values: Values) => ({
        output: values.text("output"),
        markdown: values.text("markdown"),
      });
      return shown(
        (values, host, project) => validate(options(values), host, project),
        () => renderReport,
      );
    },
  },
  lockVerb,
  generateVerb,
  buildVerb,
  pushVerb,
  {
    name: "upload",
    group: "Ship",
    summary: "store the model under its version",
    about:
      "Validates the model and stores it with its report, lock and lineage under name and version, for ever.",
    examples: [["mlship upload", "store now, deploy later"]],
    async load() {
      const [{ upload }, { renderUpload }] = await Promise.all([
        import("../commands/upload.ts"),
        import("../ui/deploy.ts"),
      ]);
      return shown(
        (_values, host, project) => upload(host, project),
        () => renderUpload,
      );
    },
  },
  {
    name: "deploy",
    group: "Ship",
    summary: "validate, store, start, and shift traffic to it",
    about:
      "Does all that is needed: validates, stores, starts the version beside the one that serves, replays labelled rows through it, gives it a growing share of requests, and promotes it or takes it back by what it does with them.",
    flags: [{ flags: "--dry-run", about: "validate and show the plan; store and start nothing" }],
    examples: [
      ["mlship deploy", "ship the version in mlship.yaml"],
      ["mlship deploy --dry-run", "what would happen"],
      ["mlship deploy --set deploy.canary.steps=[100]", "without a canary"],
    ],
    async load() {
      const [{ deploy }, { renderDeploy }] = await Promise.all([
        import("../commands/deploy.ts"),
        import("../ui/deploy.ts"),
      ]);
      return shown(
        (values, host, project) => deploy({ dryRun: values.flag("dryRun") }, host, project),
        () => renderDeploy,
      );
    },
  },
  steering("promote", "move the rollout under way to its next step now", "without waiting for more evidence"),
  steering("abort", "take the rollout under way back", "stable serves everything again"),
  {
    name: "rollback",
    group: "Ship",
    summary: "let the version before serve again",
    about:
      "Starts the version before, unless it is still warm, checks it with labelled rows, and gives it all requests in one step.",
    flags: [{ flags: "--to <version>", about: "go back to this version instead" }],
    examples: [
      ["mlship rollback", "to the version before"],
      ["mlship rollback --to 1.2.0", "further back"],
    ],
    async load() {
      const [{ rollback }, { renderRollback }] = await Promise.all([
        import("../commands/rollback.ts"),
        import("../ui/deploy.ts"),
      ]);
      return shown(
        (values, host, project) => rollback({ to: values.text("to") }, host, project),
        () => renderRollback,
      );
    },
  },
  {
    name: "stop",
    group: "Ship",
    summary: "stop what serves on this machine",
    about:
      "Drains and stops the servers of the project. Releases and history stay; mlship deploy starts again.",
    flags: [{ flags: "--yes", about: "do not ask; needed where there is no terminal" }],
    examples: [["mlship stop", "asks first"]],
    async load() {
      const [{ stop }, { renderStop }] = await Promise.all([
        import("../commands/stop.ts"),
        import("../ui/status.ts"),
      ]);
      return shown(
        (values, host, project) => stop({ yes: values.flag("yes") }, host, project),
        () => renderStop,
      );
    },
  },
  ...keysVerbs,
  {
    name: "status",
    group: "Watch",
    summary: "what runs where and why",
    about:
      "Shows what serves, what runs as a canary with which share, and what happened last. Changes nothing.",
    examples: [
      ["mlship status", "now"],
      ["mlship status --json", "for a script"],
    ],
    async load() {
      const [{ status }, { renderStatus }] = await Promise.all([
        import("../commands/status.ts"),
        import("../ui/status.ts"),
      ]);
      return shown(
        (_values, host, project) => status(host, project),
        () => renderStatus,
      );
    },
  },
  {
    name: "history",
    group: "Watch",
    summary: "what was promoted, refused and taken back, and why",
    about: "Prints the channel's append-only log, newest first, after checking that no entry was changed.",
    examples: [["mlship history", "the whole story"]],
    async load() {
      const [{ history }, { renderHistory }] = await Promise.all([
        import("../commands/history.ts"),
        import("../ui/history.ts"),
      ]);
      return shown(
        (_values, host, project) => history(host, project),
        () => renderHistory,
      );
    },
  },
];

/** The two verbs by which a person decides for a rollout that another command drives. */
function steering(wish: "promote" | "abort", summary: string, example: string): Verb {
  return {
    name: wish,
    group: "Ship",
    summary,
    about: `Tells the command that drives the rollout to ${wish === "promote" ? "go on" : "take it back"}, and waits until it has. The decision is recorded as yours.`,
    examples: [[`mlship ${wish}`, example]],
    async load() {
      const [{ steer }, { renderSteer }] = await Promise.all([
        import("../commands/steer.ts"),
        import("../ui/status.ts"),
      ]);
      return shown(
        (_values, host, project) => steer(wish, host, project),
        () => renderSteer,
      );
    },
  };
}
