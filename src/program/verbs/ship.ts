// The verbs that put a version in front of users, and take it back.
import { shown, type Verb } from "../verb.ts";

export const shipVerbs: Verb[] = [
  {
    name: "upload",
    group: "Ship",
    summary: "store the model under its version",
    about:
      "Validates the model and stores it with its report, lock and lineage under name and version, for ever.",
    examples: [["mlship upload", "store now, deploy later"]],
    async load() {
      const [{ upload }, { renderUpload }] = await Promise.all([
        import("../../commands/upload.ts"),
        import("../../ui/deploy.ts"),
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
        import("../../commands/deploy.ts"),
        import("../../ui/deploy.ts"),
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
        import("../../commands/rollback.ts"),
        import("../../ui/deploy.ts"),
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
        import("../../commands/stop.ts"),
        import("../../ui/status.ts"),
      ]);
      return shown(
        (values, host, project) => stop({ yes: values.flag("yes") }, host, project),
        () => renderStop,
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
        import("../../commands/steer.ts"),
        import("../../ui/status.ts"),
      ]);
      return shown(
        (_values, host, project) => steer(wish, host, project),
        () => renderSteer,
      );
    },
  };
}
