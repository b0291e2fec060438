// Released versions: the list, one of them, and what was done with them.
import type { PullDocument } from "../commands/versions/pull.ts";
import type { DetailsDocument } from "../commands/versions/show.ts";
import type { TagDocument } from "../commands/versions/tag.ts";
import type { VerificationDocument } from "../commands/versions/verify.ts";
import type { VersionsDocument } from "../commands/versions/list.ts";
import { showBytes, showCount, showMetric } from "../validation/show.ts";
import { age } from "./age.ts";
import type { Render, Screen } from "./screen.ts";
import { pad, table, wrap } from "./table.ts";

/** So many metrics have room in a list. */
const few = 3;

/** A line for each version, newest first. */
export const renderVersions: Render<VersionsDocument> = ({ versions, total, name, at }, screen) => {
  if (versions.length === 0) return `no version of ${name} was released yet\n`;
  const rows = versions.map((version) => [
    version.version,
    screen.terminal ? `${age(version.at, at)} ago` : version.at,
    version.actor,
    version.verdict,
    showBytes(version.size),
    version.channels.join(", ") || "-",
    metricsOf(version.headline, few),
  ]);
  const older = total - versions.length;
  const isCut = screen.terminal && older > 0;
  const rest = isCut ? `${screen.style("dim", `${showCount(older)} older: mlship versions --all`)}\n` : "";
  return `${table(["version", "when", "by", "verdict", "size", "serves in", "metrics"], rows, screen)}${rest}`;
};

/** One line for each fact. */
export const renderDetails: Render<DetailsDocument> = (document, screen) => {
  const { release, report, channels, packages, served, store, at } = document;
  const { model, bundle, python, dataset, lineage, parent, volatile } = release;
  const isPassing = report.gates.filter(({ status }) => status === "pass").length;
  const inputs = bundle.inputs.map((input) => `${input.name} ${input.type}`);
  const facts: [string, string][] = [
    ["version", `${release.name} ${release.version}, ${age(volatile.at, at)} ago by ${volatile.actor}`],
    ["at", `${volatile.at}, with mlship ${volatile.tool}`],
    ["store", store],
    ["serves", channels.length === 0 ? "in no channel" : `in ${channels.join(", ")}`],
    ["release", release.digest],
    ["model", `${bundle.format}, ${showBytes(model.size)} in ${model.files.length} files, ${model.digest}`],
    ["inputs", `${inputs.length}: ${inputs.join(", ")}`],
    ["verdict", `${report.verdict}, ${isPassing} of ${report.gates.length} gates pass`],
    ["metrics", metricsOf(release.report.headline)],
    ["report", release.report.digest],
    ["data", `${showCount(dataset.rows)} rows, ${dataset.digest}`],
    ["lock", `Python ${python.python}, ${python.platform}, ${python.digest}`],
    ["packages", `${packages.length}: ${packages.join(", ")}`],
    ["commit", lineage === null ? "outside git" : lineage.commit + (lineage.dirty ? ", with changes" : "")],
    ["parent", parent ?? "none: nothing served then"],
    ...imagesOf(document),
    ...served.map(({ channel, image }): [string, string] => ["served", `${image} in ${channel}`]),
  ];
  return facts.map((fact) => line(fact, screen)).join("");
};

function imagesOf({ release: { image } }: DetailsDocument): [string, string][] {
  return image === undefined ? [] : [["image", image.reference]];
}

/** Where it is now. */
export const renderPull: Render<PullDocument> = ({ name, version, folder, size }, { style, width }) =>
  `${wrap(style("green", `pulled ${name} ${version}, ${showBytes(size)}, to ${folder}`), width)}\n`;

/** Every damage, or what was found whole. */
export const renderVerification: Render<VerificationDocument> = (document, screen) => {
  const { damage, versions, releases, blobs, size, channels, entries, version, store } = document;
  const looked = [
    counted(versions, "version"),
    counted(releases, "release"),
    `${counted(blobs, "blob")} (${showBytes(size)})`,
    `${counted(channels, "channel")} with ${showCount(entries)} entries`,
  ];
  const read = `${looked.join(", ")} in ${version ?? store}`;
  if (damage.length === 0)
    return `${wrap(`${screen.style("green", "all is whole")}: ${read}`, screen.width)}\n`;
  if (!screen.terminal) return damage.map(({ key, why }) => `${key}\t${why}\n`).join("");
  const lines = damage.map(({ key, why }) => `${key}\n    ${wrap(why, screen.width, "    ")}\n`);
  const found = screen.style("red", `${showCount(damage.length)} damaged`);
  return `${lines.join("")}${wrap(`${found}: ${read}`, screen.width)}\n`;
};

/** What the channel stands for. */
export const renderTag: Render<TagDocument> = ({ name, channel, version, from, entry }, { style }) =>
  entry === null
    ? `${channel} of ${name} stands for ${version} already\n`
    : `${style("green", `${channel} of ${name} stands for ${version}`)}${from === null ? "" : `, before for ${from}`}\n`;

function counted(count: number, thing: string): string {
  return `${showCount(count)} ${thing}${count === 1 ? "" : "s"}`;
}

function line([fact, value]: [string, string], screen: Screen): string {
  if (!screen.terminal) return `${fact}\t${value}\n`;
  return `${screen.style("dim", pad(fact, 8))}  ${wrap(value, screen.width, "          ")}\n`;
}

function metricsOf(headline: VersionsDocument["versions"][number]["headline"], most = Infinity): string {
  const all = Object.entries(headline).map(
    ([metric, value]) => `${metric} ${value === null ? "-" : showMetric(metric, value)}`,
  );
  return [...all.slice(0, most), ...(all.length > most ? ["…"] : [])].join(", ") || "-";
}
