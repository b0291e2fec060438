// What locking changed, for people.
import type { LockDocument } from "../commands/lock.ts";
import type { Render } from "./screen.ts";
import { wrap } from "./table.ts";

/** One line per change: `numpy 2.1.0 → 2.2.1`. Off a terminal the same lines, without colour. */
export const renderLock: Render<LockDocument> = (document, { style, width }) => {
  const { state, drift, changes, base, python, packages } = document;
  const item = (text: string) => `- ${wrap(text, width, "  ")}\n`;
  if (state === "drifted") {
    const next = `${style("dim", "next:")} mlship lock, then commit mlship.lock\n`;
    return [`${style("red", "out of date")}: mlship.lock\n`, ...drift.map(item), next].join("");
  }
  if (state === "unchanged") return "mlship.lock: nothing changed\n";
  if (state === "created") {
    const counts = Object.entries(packages).map(([platform, count]) => `${count} packages for ${platform}`);
    const facts = [`Python ${python}`, ...counts, ...(base ? [`base ${base.reference}@${base.digest}`] : [])];
    return `wrote mlship.lock\n${facts.map(item).join("")}${style("dim", "next:")} commit it\n`;
  }
  const everywhere = Object.keys(packages).length;
  const lines = changes.map(({ subject, platforms, from, to }) => {
    const where = platforms === null || platforms.length === everywhere ? "" : ` (${platforms.join(", ")})`;
    return item(`${subject} ${short(from ?? "new")} → ${short(to ?? "gone")}${where}`);
  });
  // A lock can change in its inputs alone: a requirement that pins what was pinned already.
  const told = lines.length > 0 ? lines : drift.map(item);
  return `wrote mlship.lock\n${told.join("")}`;
};

/** Digests as far as a person compares them. */
function short(text: string): string {
  return text.replaceAll(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1…");
}
