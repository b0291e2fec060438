// The summary of a step of GitHub Actions: what a rollout or a validation came to, in Markdown, where people look first.
import { appendFile, stat } from "node:fs/promises";
import { escapeMarkdown, markdownTable } from "../validation/markdown-text.ts";
import type { Host } from "./host.ts";
import type { RolloutSummary } from "./roll.ts";

/** What a summary tells. */
export interface Summarised {
  /** `fraud 1.4.0`. */
  what: string;
  place: string;
  channel: string;
  image: string | null;
  /** Null when nothing was rolled out. */
  rollout: RolloutSummary | null;
  serving: string | null;
}

/** The heading of each way in which a rollout ends. */
const headings = {
  promoted: "was promoted",
  "rolled-back": "was taken back",
  inconclusive: "was not promoted: inconclusive",
  interrupted: "was interrupted and taken back",
  failed: "failed",
} as const;

/** The summary. What comes from outside can neither break a table nor mention anyone. */
export function renderSummary({ what, place, channel, image, rollout, serving }: Summarised): string {
  const heading = rollout === null ? "serves already" : headings[rollout.outcome];
  const verdict = rollout?.verdict ?? null;
  const counted = verdict !== null && verdict.canaryRequests > 0 ? verdict : null;
  const [why, golden] = [rollout?.why ?? null, rollout?.golden ?? null];
  const facts: [string, string | null][] = [
    ["place", `${place}, channel ${channel}`],
    ["serves now", serving ?? "nothing"],
    ["image", image],
    ["canary", counted && `${counted.canaryRequests} requests, ${counted.canaryErrors} failed`],
    ["stable", counted && `${counted.stableRequests} requests, ${counted.stableErrors} failed`],
    ["answered by stable instead", counted && String(counted.rescued)],
    ["seen to fail by users", counted && String(counted.failed)],
    ["labelled rows", golden && `${golden.rows}, ${golden.flips} with another label`],
    ["last line of its log", rollout?.lastWords ?? null],
  ];
  const rows = facts.flatMap(([fact, value]) => (value === null ? [] : [[fact, escapeMarkdown(value)]]));
  const blocks = [
    `### mlship: ${escapeMarkdown(what)} ${heading}`,
    ...(why === null ? [] : [escapeMarkdown([why.what, why.why].filter((part) => part !== null).join(": "))]),
    markdownTable(["", ""], rows),
    ...(why?.fix ? [`Fix: ${escapeMarkdown(why.fix)}`] : []),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** GitHub drops a summary that is larger than 1 MiB. */
const mostBytes = 1024 * 1024;

/** Appends a rollout to the step's summary where there is one. */
export async function writeSummary(host: Host, summarised: Summarised): Promise<void> {
  await appendSummary(host, () => renderSummary(summarised));
}

/** Appends Markdown to the step's summary where there is one. A summary that cannot be written fails nothing. */
export async function appendSummary({ env, progress }: Host, make: () => string): Promise<void> {
  const file = env["GITHUB_STEP_SUMMARY"];
  if (!file) return;
  try {
    const text = make();
    const there = await stat(file).catch(() => null);
    if ((there?.size ?? 0) + Buffer.byteLength(text) > mostBytes) throw new Error("it would be above 1 MiB");
    await appendFile(file, text);
  } catch (error) {
    progress.note(
      `the step's summary was not written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
