// The Lease that is the rollout's lock, as an object: who holds it, under which epoch, renewed when.
import { z } from "zod";
import type { Holder } from "../../../rollout/ports.ts";
import type { KubeObject } from "../ports.ts";

/** Seconds without renewal after which a holder is not live. */
export const leaseSeconds = 30;

const holderAnnotation = "mlship.dev/holder";

const specSchema = z.looseObject({
  holderIdentity: z.string().nullish(),
  leaseTransitions: z.number().int().nonnegative().nullish(),
  renewTime: z.string().nullish(),
});

/** Text that a person is shown: no longer than a line. */
const text = z.string().max(500);
const holderSchema = z.object({
  user: text,
  host: text,
  pid: z.int(),
  doing: text,
  since: text,
  url: text.optional(),
});

const specOf = (lease: KubeObject) => specSchema.parse(lease["spec"] ?? {});

/** Id of the process that holds the lock; empty when it was released. */
export function leaseHolder(lease: KubeObject): string {
  return specOf(lease).holderIdentity ?? "";
}

/** How often the lock was taken: the epoch of its holder. */
export function leaseEpoch(lease: KubeObject): number {
  return specOf(lease).leaseTransitions ?? 0;
}

/** When it was renewed, as the holder wrote it; empty when it never was. */
export function leaseRenewal(lease: KubeObject): string {
  return specOf(lease).renewTime ?? "";
}

/** Who holds the lock, in words for people; what cannot be read of it is told as unknown. */
export function holderIn(lease: KubeObject): Holder | null {
  const id = leaseHolder(lease);
  if (id === "") return null;
  const unknown = { id, user: "unknown", host: "unknown", pid: 0, doing: "unknown", since: "unknown" };
  try {
    const known = holderSchema.parse(JSON.parse(lease.metadata.annotations?.[holderAnnotation] ?? ""));
    const { url, ...rest } = known;
    return { id, ...rest, ...(url !== undefined && { url }) };
  } catch {
    // Another program's annotation, or none: the id alone still says that somebody holds it.
    return unknown;
  }
}

/** What a Lease is made of. */
export interface LeaseState {
  name: string;
  /** Labels of the model's objects. */
  labels: Record<string, string>;
  holder: Holder | null;
  epoch: number;
  /** Milliseconds since 1970 on the API server's clock. */
  now: number;
}

/**
 * The Lease in a state, written over what is there.
 * @param before as read; null when there is none
 */
export function leaseOf(
  { name, labels, holder, epoch, now }: LeaseState,
  before: KubeObject | null,
): KubeObject {
  const { id = "", ...about } = holder ?? {};
  const { resourceVersion } = before?.metadata ?? {};
  const renewTime = laterThan(before === null ? "" : leaseRenewal(before), now);
  const isSame = before !== null && leaseHolder(before) === id;
  const acquired = isSame
    ? z.looseObject({ acquireTime: z.string().nullish() }).parse(before["spec"]).acquireTime
    : null;
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name,
      labels: { ...before?.metadata.labels, ...labels },
      annotations: { ...before?.metadata.annotations, [holderAnnotation]: JSON.stringify(about) },
      ...(resourceVersion && { resourceVersion }),
    },
    spec: {
      holderIdentity: id,
      leaseDurationSeconds: leaseSeconds,
      leaseTransitions: epoch,
      acquireTime: acquired ?? renewTime,
      renewTime,
    },
  };
}

/** A time with microseconds that no renewal had before, however coarse the clock is. */
function laterThan(before: string, now: number): string {
  const milliseconds = new Date(now).toISOString().slice(0, -1);
  const micros = before.startsWith(milliseconds) ? Number(before.slice(milliseconds.length, -1)) + 1 : 0;
  return micros < 1000 ? `${milliseconds}${String(micros).padStart(3, "0")}Z` : laterThan(before, now + 1);
}
