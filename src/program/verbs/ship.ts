// The verbs that put a version in front of users, and take it back.
import { bumps } from "../../artifacts/semver.ts";
import { shown, type Values, type Verb } from "../verb.ts";

/** For verbs that change what serves. */
const agreeing = {
  flags: "--yes",
  about: "do not ask when the cluster may be the wrong one; needed there where nobody can be asked",
};
/** For verbs that release a version. */
const bumping = {
  flags: "--bump <level>",
  about: "choose the next version by what changed, or on this level, and write it to mlship.yaml",
  choices: [...bumps],
};
const bumpOf = (values: Values) => bumps.find((wish) => wish === values.text("bump"));
const eventful = { flags: "--events <file>", about: "append what happens as JSON lines" };

export const shipVerbs: Verb[] = [
  {
    name: "upload",
    group: "Ship",
    summary: "store the model under its version",
    about:
      "Validates the model and stores it with its report, lock and lineage under name and version, for ever.",
    flags: [bumping],
    examples: [
      ["mlship upload", "store now, deploy later"],
      ["mlship upload --bump auto", "under the next version, by what changed"],
    ],
    async load() {
      const [{ upload }, { renderUpload }] = await Promise.all([
        import("../../commands/upload.ts"),
        import("../../ui/deploy.ts"),
      ]);
      return shown(
        (values, host, project) => upload({ bump: bumpOf(values) }, host, project),
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
    flags: [
      { flags: "--dry-run", about: "validate and show the plan; make, store and start nothing" },
      bumping,
      agreeing,
      eventful,
    ],
    examples: [
      ["mlship deploy", "ship the version in mlship.yaml"],
      ["mlship deploy --bump auto", "ship it as the next version, by what changed"],
      ["mlship deploy --dry-run", "what would happen"],
      ["mlship deploy --set deploy.canary.steps=[100]", "without a canary"],
    ],
    async load() {
      const [{ deploy }, { renderDeploy }] = await Promise.all([
        import("../../commands/deploy.ts"),
        import("../../ui/deploy.ts"),
      ]);
      const options = (values: Values) => ({
        dryRun: values.flag("dryRun"),
        bump: bumpOf(values),
        yes: values.flag("yes"),
        events: values.text("events"),
      });
      return shown(
        (values, host, project) => deploy(options(values), host, project),
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
      "Takes a rollout under way back. Else starts the version before, unless it is still warm, checks it with labelled rows, and gives it all requests in one step. A version that is named with --to gets a canary first, as a new one does.",
    flags: [
      { flags: "--to <version>", about: "go back to this version instead" },
      { flags: "--now", about: "go to it in one step, without a canary" },
      agreeing,
      eventful,
    ],
    examples: [
      ["mlship rollback", "to the version before"],
      ["mlship rollback --to 1.2.0", "further back, step by step"],
      ["mlship rollback --to 1.2.0 --now", "further back, at once"],
    ],
    async load() {
      const [{ rollback }, { renderRollback }] = await Promise.all([
        import("../../commands/rollback.ts"),
        import("../../ui/deploy.ts"),
      ]);
      const options = (values: Values) => ({
        to: values.text("to"),
        now: values.flag("now"),
        yes: values.flag("yes"),
        events: values.text("events"),
      });
      return shown(
        (values, host, project) => rollback(options(values), host, project),
        () => renderRollback,
      );
    },
  },
  {
    name: "stop",
    group: "Ship",
    summary: "stop what serves",
    about:
      "Drains and stops the servers of the project, on this machine or on its cluster. Releases and history stay; mlship deploy starts again.",
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
  {
    name: "gc",
    group: "Ship",
    summary: "remove from the store what no version leads to",
    about:
      "Looks through the whole store for blobs and releases that no version leads to, unfinished uploads, and notes of work that is over. Shows what it found; --delete removes it. Versions, logs and what they lead to always stay, and so does what others publish meanwhile.",
    flags: [
      { flags: "--delete", about: "remove what was found" },
      {
        flags: "--grace <duration>",
        about: "leave alone what is younger; 7d by default. Notes and unfinished uploads stay a day at least",
      },
      { flags: "--yes", about: "do not ask; needed where there is no terminal" },
    ],
    examples: [
      ["mlship gc", "what could be removed"],
      ["mlship gc --delete", "asks, then removes it"],
      ["mlship gc --grace 30d --json", "one document with every object, for a script"],
    ],
    async load() {
      const [{ gc }, { renderGc }] = await Promise.all([
        import("../../commands/gc.ts"),
        import("../../ui/gc.ts"),
      ]);
      const options = (values: Values) => ({
        delete: values.flag("delete"),
        yes: values.flag("yes"),
        grace: values.text("grace") ?? "7d",
      });
      return shown(
        (values, host, project) => gc(options(values), host, project),
        () => renderGc,
      );
    },
  },
  {
    name: "unlock",
    group: "Ship",
    summary: "take the rollout's lock from its holder",
    about:
      "Shows who holds the lock of the model on its cluster, from where, since when and when it was last heard of, and takes the lock from it: its next write is refused. Needed only where waiting is not an option: a holder that died is replaced by the next command after 30 seconds.",
    flags: [{ flags: "--yes", about: "do not ask; needed where there is no terminal" }],
    examples: [["mlship unlock", "asks first"]],
    async load() {
      const [{ unlock }, { renderUnlock }] = await Promise.all([
        import("../../commands/unlock.ts"),
        import("../../ui/unlock.ts"),
      ]);
      return shown(
        (values, host, project) => unlock({ yes: values.flag("yes") }, host, project),
        () => renderUnlock,
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
    flags: [agreeing],
    examples: [[`mlship ${wish}`, example]],
    async load() {
      const [{ steer }, { renderSteer }] = await Promise.all([
        import("../../commands/steer.ts"),
        import("../../ui/status.ts"),
      ]);
      return shown(
        (values, host, project) => steer(wish, { yes: values.flag("yes") }, host, project),
        () => renderSteer,
      );
    },
  };
}
