// The verbs that tell what runs and what happened.
import { shown, type Verb } from "../verb.ts";
import { listing, newest } from "./listing.ts";

export const watchVerbs: Verb[] = [
  {
    name: "status",
    group: "Watch",
    summary: "what runs where and why",
    about:
      "Shows what serves, what runs as a canary with which share, and what happened last. Changes nothing.",
    flags: [{ flags: "--watch", about: "follow the rollout under way, from any machine, until it ends" }],
    examples: [
      ["mlship status", "now"],
      ["mlship status --watch", "as it goes on"],
      ["mlship status --json", "for a script"],
    ],
    async load() {
      const [{ status }, { renderStatus }] = await Promise.all([
        import("../../commands/status.ts"),
        import("../../ui/status.ts"),
      ]);
      return shown(
        (values, host, project) => status({ watch: values.flag("watch") }, host, project),
        () => renderStatus,
      );
    },
  },
  {
    name: "history",
    group: "Watch",
    summary: "what was promoted, refused and taken back, and why",
    about:
      "Prints the newest entries of the channel's append-only log: what was done, when, by whom, from which version to which, why, and on what evidence. The chain of the entries that it prints is checked; mlship versions verify checks all of it.",
    flags: [{ flags: "--channel <name>", about: "another channel than that of the environment" }, ...listing],
    examples: [
      ["mlship history", "the newest entries"],
      ["mlship history --all", "the whole story"],
      ["mlship history --channel staging --limit 5", "of another channel"],
    ],
    async load() {
      const [{ history }, { renderHistory }] = await Promise.all([
        import("../../commands/history.ts"),
        import("../../ui/history.ts"),
      ]);
      return shown(
        (values, host, project) =>
          history({ ...newest(values), channel: values.text("channel") }, host, project),
        () => renderHistory,
      );
    },
  },
  {
    name: "diff",
    group: "Watch",
    summary: "what differs between two versions",
    about:
      "Compares metrics with their intervals, signature, model files, environment, image, Kubernetes objects and code of two sides: a version, a channel (what serves in it), or . for the project as it stands with its last report. Exit 0 whether they differ or not.",
    arguments: [
      { name: "from", about: "a version, a channel or . (default: what serves in the project's channel)" },
      { name: "to", about: "the other one (default: . the project as it stands)" },
    ],
    examples: [
      ["mlship diff", "what a deploy would change"],
      ["mlship diff 1.3.0 1.4.0", "between two versions"],
      ["mlship diff production staging", "between what two channels serve"],
    ],
    async load() {
      const [{ diff }, { renderDiff }] = await Promise.all([
        import("../../commands/diff.ts"),
        import("../../ui/diff.ts"),
      ]);
      return shown(
        (values, host, project) => diff({ from: values.text("from"), to: values.text("to") }, host, project),
        () => renderDiff,
      );
    },
  },
];
