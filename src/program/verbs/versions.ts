// The verbs for what was released: list, show, pull, verify, tag.
import { shown, type Values, type Verb } from "../verb.ts";
import { listing, newest } from "./listing.ts";

const version = {
  name: "version",
  about: "such as 1.4.0, or a channel: the version that serves there",
  isRequired: true,
};

/** The command's argument, which commander has made sure of. */
const versionOf = (values: Values) => values.text("version") ?? "";

export const versionsVerbs: Verb[] = [
  {
    name: "versions list",
    group: "Watch",
    isDefault: true,
    summary: "released versions, newest first",
    about:
      "Prints the versions of the project's model in the store: when and by whom each was released, its verdict and metrics, its size, and the channels that it serves in.",
    flags: listing,
    examples: [["mlship versions list", "the newest, with what serves where"]],
    async load() {
      const [{ listReleased }, { renderVersions }] = await Promise.all([
        import("../../commands/versions/list.ts"),
        import("../../ui/versions.ts"),
      ]);
      return shown(
        (values, host, project) => listReleased(newest(values), host, project),
        () => renderVersions,
      );
    },
  },
  {
    name: "versions show",
    group: "Watch",
    summary: "all that is known of one version",
    about: "Prints digests, inputs, report, lock, lineage and images of a released version.",
    arguments: [version],
    examples: [
      ["mlship versions show 1.4.0", "one version"],
      ["mlship versions show production --json", "the one in production, with its whole report"],
    ],
    async load() {
      const [{ showReleased }, { renderDetails }] = await Promise.all([
        import("../../commands/versions/show.ts"),
        import("../../ui/versions.ts"),
      ]);
      return shown(
        (values, host, project) => showReleased(versionOf(values), host, project),
        () => renderDetails,
      );
    },
  },
  {
    name: "versions pull",
    group: "Watch",
    summary: "get a version out of the store",
    about:
      "Writes model files, report, lock and release document to a folder, each checked against its digest. The folder appears whole or not at all.",
    arguments: [version],
    flags: [{ flags: "-o, --output <folder>", about: "the folder to make; NAME-VERSION by default" }],
    examples: [["mlship versions pull 1.4.0 -o old", "the version as it was released"]],
    async load() {
      const [{ pull }, { renderPull }] = await Promise.all([
        import("../../commands/versions/pull.ts"),
        import("../../ui/versions.ts"),
      ]);
      return shown(
        (values, host, project) =>
          pull({ version: versionOf(values), output: values.text("output") }, host, project),
        () => renderPull,
      );
    },
  },
  {
    name: "versions verify",
    group: "Watch",
    summary: "check every digest and log of the store",
    about:
      "Reads every blob, release, version and log of the store, of all models, or all of one version. Names each object that is missing or not what it should be, and ends with exit 7 when there is one.",
    arguments: [{ ...version, isRequired: false }],
    examples: [
      ["mlship versions verify", "the whole store"],
      ["mlship versions verify 1.4.0", "one version"],
    ],
    async load() {
      const [{ verify }, { renderVerification }] = await Promise.all([
        import("../../commands/versions/verify.ts"),
        import("../../ui/versions.ts"),
      ]);
      return shown(
        (values, host, project) => verify(values.text("version"), host, project),
        () => renderVerification,
      );
    },
  },
  {
    name: "versions tag",
    group: "Watch",
    summary: "let a channel stand for a version",
    about:
      "Appends to a channel's log that it stands for a version from now on. For channels that no target serves by: what a rollout moved last is moved by mlship deploy and mlship rollback.",
    arguments: [version, { name: "channel", about: "such as reviewed or latest", isRequired: true }],
    flags: [{ flags: "--reason <text>", about: "why, for the log" }],
    examples: [
      ["mlship versions tag 1.4.0 reviewed", "for people and scripts; --reason says why"],
      ["mlship versions tag reviewed latest", "the version of another channel"],
    ],
    async load() {
      const [{ tag }, { renderTag }] = await Promise.all([
        import("../../commands/versions/tag.ts"),
        import("../../ui/versions.ts"),
      ]);
      const options = (values: Values) => ({
        version: versionOf(values),
        channel: values.text("channel") ?? "",
        reason: values.text("reason"),
      });
      return shown(
        (values, host, project) => tag(options(values), host, project),
        () => renderTag,
      );
    },
  },
];
