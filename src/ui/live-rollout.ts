// A rollout as it is watched: wanted against measured, requests, how near a verdict is.
import type { RolloutView } from "../commands/rollout-view.ts";
import type { Style } from "./style.ts";
import { pad } from "./table.ts";

/** Columns of the names on the left. */
const names = 9;

/** The lines below the title of the step; none while there is nothing to see. */
export function rolloutLines(view: RolloutView, width: number, style: Style): string[] {
  const size = Math.max(8, Math.min(30, width - names - 26));
  return rolloutFacts(view, size).map(([name, value]) => `  ${style("dim", pad(name, names - 2))}  ${value}`);
}

/** What there is to see of a rollout: names of at most 7 characters, and what is so. @param size characters of a bar */
export function rolloutFacts(view: RolloutView, size = 10): [name: string, value: string][] {
  const { phase, ready, trouble, waiting } = view;
  const facts: [string, string][] = [];
  if (view.wanted > 0) {
    const measured = view.measured === null ? "no requests yet" : `${percent(view.measured)} measured`;
    const step = view.step === null ? "" : `, step ${view.step.at} of ${view.step.of}`;
    facts.push(["share", `${percent(view.wanted)} wanted, ${measured}${step}`]);
    const saved = view.rescued > 0 ? `, ${view.rescued} answered by stable` : "";
    facts.push(["canary", `${view.canary.requests} requests, ${view.canary.errors} failed${saved}`]);
  }
  if (view.wanted > 0 || phase === "bake") {
    const { requests, errors } = view.stable;
    facts.push(["stable", `${requests} requests, ${errors} failed`]);
    facts.push(["users", view.failed === 0 ? "no failure seen" : `${view.failed} failures seen`]);
  }
  if (view.toPass !== null) {
    const left = view.secondsLeft === null ? "" : `, about ${duration(view.secondsLeft)}`;
    facts.push(["to pass", `${bar(view.toPass, size)} ${whole(view.toPass)}${left}`]);
  } else if (view.secondsLeft !== null) facts.push(["left", duration(view.secondsLeft)]);
  if (view.toFail !== null) facts.push(["to fail", `${bar(view.toFail, size)} ${whole(view.toFail)}`]);
  if (ready !== null && facts.length > 0) {
    const canary = phase === "bake" ? "" : `${ready.canary} canary, `;
    facts.push(["ready", `${canary}${ready.stable} stable`]);
  }
  if (waiting !== null) facts.push(["waits", waiting]);
  if (trouble !== null) facts.push(["trouble", trouble.split("\n")[0] ?? ""]);
  return facts;
}

/** The same in a few words, for lines that stay. */
export function rolloutWords(view: RolloutView): string {
  const { canary, waiting, failed } = view;
  if (view.wanted === 0) return "";
  const users = failed === 0 ? "" : `, ${failed} failures seen by users`;
  const wait = waiting === null ? "" : `; ${waiting}`;
  return `${canary.requests} canary requests so far, ${canary.errors} failed${users}${wait}`;
}

/** What changed so that a line in a log is worth it: `null` when nothing did. */
export function rolloutChange(before: RolloutView | null, now: RolloutView): string | null {
  if (now.trouble !== null && now.trouble !== before?.trouble) return now.trouble.split("\n")[0] ?? null;
  if (now.waiting !== (before?.waiting ?? null)) return now.waiting ?? "goes on";
  if (now.failed > 0 && (before?.failed ?? 0) === 0) return "users saw a failure";
  if (now.canary.errors > 0 && (before?.canary.errors ?? 0) === 0) return "the canary failed a request";
  return null;
}

function bar(fraction: number, size: number): string {
  const full = Math.floor(fraction * size);
  return `${"█".repeat(full)}${"░".repeat(size - full)}`;
}

const whole = (fraction: number) => `${Math.floor(fraction * 100)} %`.padStart(5);
const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;

/** `45 s`, `12 min`. */
function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
