// What people do to a store, as the commands do it: publish, promote, roll back, collect garbage.
import { randomUUID } from "node:crypto";
import { servingIn } from "../../src/artifacts/channel.ts";
import { findGarbage } from "../../src/artifacts/garbage.ts";
import { appendMove } from "../../src/artifacts/move.ts";
import type { ChannelMove } from "../../src/artifacts/move.ts";
import type { ObjectStore, Sweeper } from "../../src/artifacts/ports.ts";
import { findPrevious } from "../../src/artifacts/previous.ts";
import { publish } from "../../src/artifacts/publish.ts";
import { sweep } from "../../src/artifacts/sweep.ts";
import { exampleRelease } from "../unit/artifacts/example.ts";
import type { Example } from "../unit/artifacts/example.ts";
import { machineClock } from "../unit/artifacts/machine-clock.ts";

/** The model of {@link exampleRelease}. */
export const model = "fraud";
export const channel = "production";

export async function publishExample(store: ObjectStore, { release, sources }: Example): Promise<boolean> {
  return (await publish(store, release, sources, { clock: machineClock })).created;
}

/** Publishes a small release whose model is its `weights`. */
export async function publishVersion(
  store: ObjectStore,
  version: string,
  weights = version,
): Promise<boolean> {
  return await publishExample(store, exampleRelease(version, weights));
}

/** Makes a version serve, unless it does. */
export async function promote(store: ObjectStore, version: string): Promise<void> {
  const expected = await servingIn(store, model, channel);
  if (expected !== version) await move(store, { action: "promote", version, expected });
}

/** Makes the version serve that did before `from`, unless another one than `from` serves by now. */
export async function rollBack(store: ObjectStore, from: string): Promise<void> {
  const expected = await servingIn(store, model, channel);
  if (expected !== from) return;
  const version = await findPrevious(store, model, channel);
  if (version !== null) await move(store, { action: "rollback", version, expected });
}

/** Removes what no version leads to, however young it is. */
export async function collect(store: ObjectStore, sweeper: Sweeper): Promise<void> {
  const garbage = await findGarbage(store, sweeper, 0);
  await sweep({ store, sweeper, clock: machineClock }, garbage);
}

async function move(
  store: ObjectStore,
  said: Pick<ChannelMove, "action" | "version" | "expected">,
): Promise<void> {
  await appendMove(store, model, channel, {
    ...said,
    release: null,
    reason: `${said.action} by a test`,
    evidence: null,
    actor: "ada@loom",
    nonce: randomUUID(),
    at: new Date().toISOString(),
  });
}
