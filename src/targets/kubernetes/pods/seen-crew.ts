// Tells servers that failed from servers that were taken away, by what this process saw of each of them.
import { isAlive, isReady, podStatus } from "./pod-status.ts";
import type { KubeObject } from "../ports.ts";

/** The pods of a canary, looked at again and again. */
export class SeenCrew {
  /** Pods that served once, by uid. */
  readonly #served = new Set<string>();

  /**
   * Whether none serves because others took those away that did: they were evicted or removed, and
   * what comes in their place, after the Job's pause of 10 s, has not failed. One that ended by itself
   * stays in the list and fails. Ask while its Job is there.
   */
  isMoving(pods: readonly KubeObject[]): boolean {
    const ready = pods.filter(isReady);
    // One that leaves before the first look was ready, too: else no users were led to its revision.
    for (const pod of pods) if (isReady(pod) || isLeaving(pod)) this.#served.add(identity(pod));
    const alive = pods.filter(isAlive);
    const failed = pods.some((pod) => !isLeaving(pod) && !isAlive(pod));
    const isGone = [...this.#served].some((id) => !alive.some((pod) => identity(pod) === id));
    const isFresh = (pod: KubeObject) => !this.#served.has(identity(pod)) && !hasEnded(pod);
    return ready.length === 0 && isGone && !failed && alive.every(isFresh);
  }
}

function isLeaving({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function hasEnded(pod: KubeObject): boolean {
  return podStatus(pod).containerStatuses.some(({ restartCount }) => restartCount > 0);
}

function identity({ metadata }: KubeObject): string {
  return metadata.uid ?? metadata.name;
}
