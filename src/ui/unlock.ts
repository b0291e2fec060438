// What became of the rollout's lock.
import type { UnlockDocument } from "../commands/unlock.ts";
import type { Render } from "./screen.ts";
import { wrap } from "./table.ts";

/** One sentence for what was done, one for what comes next. */
export const renderUnlock: Render<UnlockDocument> = ({ name, place, holder, epoch }, { width }) => {
  if (holder === null) return `${wrap(`nobody holds the lock of ${name} on ${place}`, width)}\n`;
  const taken = `the lock of ${name} on ${place} is free: ${holder.user}@${holder.host}, process ${holder.pid}, cannot write any more (epoch ${epoch ?? "unknown"})`;
  const next = "what it left is finished or taken back by the next command: mlship deploy, or mlship abort";
  return `${wrap(taken, width)}\n${wrap(next, width)}\n`;
};
