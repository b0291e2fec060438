// The ledger, newest first.
import type { HistoryDocument } from "../commands/history.ts";
import { age } from "./age.ts";
import type { Render } from "./screen.ts";
import { table } from "./table.ts";

/** One line per entry. */
export const renderHistory: Render<HistoryDocument> = ({ entries, at, name, channel }, screen) => {
  if (entries.length === 0) return `nothing has happened in channel ${channel} of ${name} yet\n`;
  const rows = entries.map(({ seq, action, version, to, actor, reason, volatile }) => {
    const when = screen.terminal ? `${age(volatile.at, at)} ago` : volatile.at;
    return [String(seq), when, action, version, to ?? "-", actor, reason];
  });
  return table(["#", "when", "what", "version", "serving after", "who", "why"], rows, screen);
};
