// What keeps a model's rollout on a cluster: its lock, the fence around writes, the record and its Events.
import { namesOf, ownedSelector } from "../../cluster/names.ts";
import { ClusterRecords } from "./records/cluster-records.ts";
import { RolloutEvents } from "./records/events.ts";
import { Fence } from "./lock/fence.ts";
import { LeaseLock } from "./lock/lease-lock.ts";
import type { Cluster, Kind } from "./ports.ts";

/** Kinds whose change or removal an older driver could do harm with. */
const fenced: readonly Kind[] = [
  "ConfigMap",
  "Deployment",
  "HorizontalPodAutoscaler",
  "Job",
  "PodDisruptionBudget",
  "Service",
];

export interface KeepingOptions {
  /** Name of the model. */
  name: string;
  /** Kinds that are fenced beside those of every model: HTTPRoute where a Gateway splits. */
  alsoFenced: readonly Kind[];
  /** For people: why something takes a while, and what was left undone. */
  told: (text: string) => void;
  /** Ends waiting for the lock. */
  signal: AbortSignal;
}

/** The parts, which all know of one another. */
export interface Keeping {
  fence: Fence;
  lock: LeaseLock;
  records: ClusterRecords;
  events: RolloutEvents;
}

/** The keeping of one model in the cluster's namespace. */
export function keepingOf(cluster: Cluster, { name, alsoFenced, told, signal }: KeepingOptions): Keeping {
  const { users, rollout, wish } = namesOf(name);
  const labels = {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/instance": users,
    "app.kubernetes.io/managed-by": "mlship",
  };
  const fence = new Fence(cluster, rollout);
  const taken = () => fence.shutOut([...fenced, ...alsoFenced], ownedSelector(name));
  const lock = new LeaseLock(cluster, { name: rollout, labels, fence, taken, told, signal });
  const events = new RolloutEvents(cluster, { service: users, labels, told });
  const records = new ClusterRecords(cluster, { record: rollout, wish, labels, fence, events });
  return { fence, lock, records, events };
}
