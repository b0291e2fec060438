// Writes what became of a rollout into the channel's log, where `mlship history` reads it.
import { appendMove, type ChannelMove } from "../artifacts/move.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Ledger, LedgerEntry } from "../rollout/ledger.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";

/**
 * The ledger of a project's channel.
 * @param expected the version that the log says serves; a log that moved on meanwhile is an error
 */
export function openLedger(
  store: ObjectStore,
  { config, channel }: Project,
  expected: string | null,
): Ledger {
  return {
    async append(entry) {
      await appendMove(store, config.name, channel, { ...moveOf(entry), expected });
    },
  };
}

/** Appends that a gate refused a version before anything was started. */
export async function appendRefusal(
  store: ObjectStore,
  { config, channel }: Project,
  host: Host,
  refusal: { expected: string | null; reason: string; evidence: ChannelMove["evidence"] },
): Promise<void> {
  await appendMove(store, config.name, channel, {
    ...refusal,
    action: "refuse",
    version: config.version,
    release: null,
    actor: `${host.actor.user}@${host.actor.host}`,
    nonce: host.nonce(),
    at: host.clock.now().toISOString(),
  });
}

function moveOf(entry: LedgerEntry): Omit<ChannelMove, "expected"> {
  const { outcome, to, why, reason, rollout, user, host, at, verdict, doing } = entry;
  const kept = doing === "mlship rollback" ? "rollback" : "promote";
  return {
    action: outcome === "promoted" ? kept : "take-back",
    version: to.version,
    release: to.release,
    reason: why ?? reason,
    evidence: verdict,
    actor: `${user}@${host}`,
    nonce: rollout,
    at,
  };
}
