// The fuse: canary pods end by themselves when nobody who sees keeps them alive.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import type { Fence } from "../lock/fence.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** Seconds that canary pods live on after their last renewal. */
export const fuseSeconds = 30;
/** Seconds of the fuse that may burn before it is written again: a write a second would be noise. */
const slackSeconds = 3;

const jobSchema = z.object({
  spec: z.object({ activeDeadlineSeconds: z.number().nullish() }).prefault({}),
  status: z
    .object({
      startTime: z.string().nullish(),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), reason: z.string().nullish() }))
        .default([]),
    })
    .prefault({}),
});

/**
 * Why the Job of a canary has ended, in Kubernetes' words (`DeadlineExceeded`: the fuse burnt
 * down, `BackoffLimitExceeded`: its pods crashed too often); null while it runs.
 */
export function endOf(job: KubeObject): string | null {
  const { conditions } = jobSchema.parse(job).status;
  const end = conditions.find(
    ({ type, status }) => status === "True" && ["Failed", "FailureTarget", "Complete"].includes(type),
  );
  return end === undefined ? null : (end.reason ?? end.type);
}

/**
 * The deadline that gives a Job another fuse time, in seconds after its start; null when what it has
 * is long enough. Both times are the API server's: the clock of this machine says nothing.
 * @param now milliseconds since 1970 on the API server's clock
 */
export function deadlineOf(job: KubeObject, now: number): number | null {
  const { spec, status } = jobSchema.parse(job);
  const started = Date.parse(status.startTime ?? job.metadata.creationTimestamp ?? "");
  const elapsed = Number.isNaN(started) ? 0 : Math.max(0, Math.ceil((now - started) / 1000));
  const wanted = elapsed + fuseSeconds;
  const has = spec.activeDeadlineSeconds ?? 0;
  return has >= wanted - slackSeconds ? null : wanted;
}

/**
 * Raises the `activeDeadlineSeconds` of a Job. When the driver dies, the cluster's own Job
 * controller removes the canary pods, and with them their endpoints: no component of mlship's runs.
 */
export class CanaryFuse {
  readonly #cluster: Pick<Cluster, "api">;
  readonly #fence: Fence;

  constructor(cluster: Pick<Cluster, "api">, fence: Fence) {
    this.#cluster = cluster;
    this.#fence = fence;
  }

  /**
   * Gives the canary pods another 30 s. Cheap while the fuse is long enough.
   * @param job name of the canary's Job
   * @throws MlshipError `rollout.lease-lost` (exit 7) when the fuse has burnt down or the Job is gone,
   *   `rollout.lock-lost` (exit 7).
   */
  async renew(job: string): Promise<void> {
    const { api } = this.#cluster;
    const seen = await api.read("Job", job);
    if (seen === null || seen.metadata.deletionTimestamp !== undefined) throw burnt("its Job is gone");
    refuseEnded(seen);
    if (deadlineOf(seen, api.now()) === null) return;
    await this.#fence.write("Job", job, (now) => {
      refuseEnded(now);
      const activeDeadlineSeconds = deadlineOf(now, api.now());
      if (activeDeadlineSeconds === null) return null;
      return { ...now, spec: { ...specOf(now), activeDeadlineSeconds } };
    });
  }
}

const specOf = (job: KubeObject) => z.looseObject({}).parse(job["spec"]);

function refuseEnded(job: KubeObject): void {
  const end = endOf(job);
  if (end !== null) throw burnt(`its Job ended: ${end}`);
}

function burnt(why: string): MlshipError {
  return new MlshipError({
    code: "rollout.lease-lost",
    what: "the canary's servers were taken away",
    why,
    fix: "see `mlship status`; deploy again once the cause is known",
    exit: "attention",
  });
}
