// The ledger, newest first.
import type { ChannelEntry } from "../artifacts/channel.ts";
import type { HistoryDocument } from "../commands/history.ts";
import { showCount, showNumber } from "../validation/show.ts";
import { age } from "./age.ts";
import type { Render, Screen } from "./screen.ts";
import { wrap } from "./table.ts";

/** On a terminal a few lines for each entry; elsewhere one of tab-separated values. */
export const renderHistory: Render<HistoryDocument> = ({ entries, at, name, channel, total }, screen) => {
  if (entries.length === 0) return `nothing has happened in channel ${channel} of ${name} yet\n`;
  if (!screen.terminal) return entries.map(lineOf).join("");
  const older = total - entries.length;
  const rest = older === 0 ? "" : `${screen.style("dim", `${older} older: mlship history --all`)}\n`;
  return `${entries.map((entry) => told(entry, at, screen)).join("")}${rest}`;
};

function lineOf({ seq, volatile, action, version, from, to, actor, reason, evidence }: ChannelEntry): string {
  const shown = evidence === null ? "-" : JSON.stringify(evidence);
  const cells = [String(seq), volatile.at, action, version, from ?? "-", to ?? "-", actor, reason, shown];
  return `${cells.join("\t")}\n`;
}

/** What was done, what served before and after; when and by whom; why; what it rests on. */
function told(entry: ChannelEntry, at: string, { style, width }: Screen): string {
  const { seq, action, version, actor, reason, volatile, evidence } = entry;
  const number = `#${seq}`;
  const indent = " ".repeat(number.length + 2);
  const when = `${volatile.at.slice(0, 16).replace("T", " ")} UTC, ${age(volatile.at, at)} ago, by ${actor}`;
  const lines = [
    `${style("bold", `${action} ${version}`)}  ${change(entry)}`,
    style("dim", when),
    reason,
    ...(evidence === null ? [] : [style("dim", restsOn(evidence))]),
  ];
  const wrapped = lines.map((line) => wrap(line, width, indent));
  return `${number}  ${wrapped.join(`\n${indent}`)}\n`;
}

function change({ from, to }: ChannelEntry): string {
  if (to === from) return to === null ? "nothing serves" : `${to} serves on`;
  return `${from ?? "nothing"} → ${to}`;
}

/** `canary requests 1,200, canary errors 0, report sha256:1f0c…`: names in words, digests by their beginning. */
function restsOn(evidence: NonNullable<ChannelEntry["evidence"]>): string {
  return Object.entries(evidence)
    .map(
      ([name, value]) =>
        `${name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${short(value)}`,
    )
    .join(", ");
}

function short(value: string | number | boolean | null): string {
  if (typeof value === "number") return Number.isInteger(value) ? showCount(value) : showNumber(value, 3);
  return String(value).replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1…");
}
