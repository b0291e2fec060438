// A build as a person follows it: the instruction that runs with its last line, and a line for each that is done.
import type { BuildEvent } from "../../image/ports.ts";
import type { Host } from "../host.ts";

/** What became of the instructions. */
export interface Shown {
  /** To be given every event. */
  take: (event: BuildEvent) => void;
  /** `9 instructions, 7 of them from the cache`. */
  summary(): string;
}

/** What BuildKit does for itself is no instruction. */
const internal =
  /^\[(internal|auth)\]|^\[[^\]]*\] LINK |^(resolve image config|docker-image:|copy \/context )/;

/** Characters of an instruction that are shown: with the seconds before it a line of 60 columns. */
const shownLength = 48;

/** @param update replaces the detail of the open step */
export function showBuild(host: Host, update: (detail: string) => void): Shown {
  const running = new Map<string, { name: string; began: number }>();
  let [all, cached] = [0, 0];
  return {
    take(event) {
      const step = running.get(event.id);
      if (event.kind === "output") {
        if (step !== undefined) update(`${step.name}: ${event.line.trim()}`);
        return;
      }
      if (internal.test(event.name)) return;
      const name = shorten(event.name);
      if (event.state === "started") {
        running.set(event.id, { name, began: host.clock.monotonic() });
        update(name);
        return;
      }
      running.delete(event.id);
      all += 1;
      if (event.state === "cached") cached += 1;
      else {
        const seconds = step === undefined ? 0 : (host.clock.monotonic() - step.began) / 1000;
        host.progress.note(
          `${seconds.toFixed(1).padStart(5)} s  ${name}${event.state === "failed" ? ": failed" : ""}`,
        );
      }
      const [next] = running.values();
      if (next !== undefined) update(next.name);
    },
    summary: () => `${all} instructions${cached === 0 ? "" : `, ${cached} of them from the cache`}`,
  };
}

/** Without what is mounted and without the marks of a list, on one line. */
function shorten(name: string): string {
  const text = name
    .replaceAll(/--(mount|link|network)\S*\s+/g, "")
    .replace(/(?<= RUN )\[.*\]$/s, (list) => list.replaceAll(/[[\]",]/g, ""))
    .replaceAll(/\s+/g, " ")
    .trim();
  return text.length > shownLength ? `${text.slice(0, shownLength - 1)}…` : text;
}
