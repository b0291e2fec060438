// The share that routers have, set and read back through their runtime API.
import { digestBytes } from "../../../../digest.ts";
import { MlshipError } from "../../../../errors.ts";
import { shareMap, wholeShare } from "../../../../cluster/router/share.ts";
import { lockLost } from "../../lock/fence-refusals.ts";
import { readReading, type Reading } from "./haproxy-reading.ts";
import type { KubeObject } from "../../ports.ts";
import type { RouterPods } from "./router-pods.ts";

const look = ["show info", `show map ${shareMap}`, "show stat"];

/** One look at a router. @throws MlshipError `router.silent`, `router.answer`, `kubernetes.tunnel`; exit 5. */
export async function lookAt(pods: RouterPods, pod: KubeObject): Promise<Reading> {
  return readReading(await pods.ask(pod, look));
}

/** A share in the routers' unit. */
export function inMillionths(share: number): number {
  return Math.round(share * wholeShare);
}

/** A share as routers are to have it. */
export interface WantedShare {
  millionths: number;
  /** Of the lock that it is set under. */
  epoch: number;
  /** Revision, null for none: decides which users who stay on one side meet it first. */
  canary: string | null;
}

/**
 * Opens the way to a router and refuses to change one that a later holder of the lock has set.
 * @throws MlshipError `rollout.lock-lost` (exit 7).
 */
export async function refuseLater(pods: RouterPods, pod: KubeObject, epoch: number): Promise<void> {
  const before = await lookAt(pods, pod);
  if (before.epoch <= epoch) return;
  throw lockLost(
    `router ${pod.metadata.name} was set under epoch ${before.epoch}, this process has ${epoch}`,
  );
}

/**
 * Sets the share of one router and reads it back.
 * @throws MlshipError `router.share` (exit 5) when another share is in force after all.
 */
export async function putShare(pods: RouterPods, pod: KubeObject, wanted: WantedShare): Promise<void> {
  const { millionths, epoch, canary } = wanted;
  const turn = canary === null ? [] : [entry("turn", turnOf(canary))];
  const text = await pods.ask(pod, [entry("epoch", epoch), ...turn, entry("canary", millionths), ...look]);
  const after = readReading(text);
  if (after.share === millionths && after.epoch === epoch) return;
  throw new MlshipError({
    code: "router.share",
    what: `router ${pod.metadata.name} does not have the share that was set`,
    why: `${millionths} of ${wholeShare} were asked for, ${after.share} are in force`,
    fix: "run the command again; someone else may be changing the router",
    exit: "unavailable",
  });
}

function entry(key: string, value: number): string {
  return `set map ${shareMap} ${key} ${value}`;
}

/** Where the users who stay on one side are turned to: another place for each revision. */
function turnOf(revision: string): number {
  return (
    Number.parseInt(digestBytes(revision).slice("sha256:".length, "sha256:".length + 8), 16) % wholeShare
  );
}
