// What happens to a rollout, as Events on the model's Service: `kubectl describe service` tells the story.
import { digestBytes } from "../../../digest.ts";
import { failureOf } from "../../../rollout/event.ts";
import type { Rollout } from "../../../rollout/record.ts";
import type { Cluster, KubeObject } from "../ports.ts";
import { sayingsOf, type Saying } from "./event-sayings.ts";

/** Milliseconds that the last Events of a rollout are waited for. */
const patience = 3000;
/** Longest message that Kubernetes takes is 1024 bytes; characters may have four. */
const longest = 250;

export interface RolloutEventsOptions {
  /** Service that the Events are about. */
  service: string;
  /** Labels of the model's objects. */
  labels: Record<string, string>;
  /** For people, once: that Events cannot be written. */
  told: (text: string) => void;
}

/**
 * Writes an Event for what is new in the record's log. An Event is a courtesy: it is written
 * beside the rollout, never waited for while it runs, and failing never fails it.
 */
export class RolloutEvents {
  readonly #cluster: Pick<Cluster, "api" | "sleep">;
  readonly #options: RolloutEventsOptions;
  #seen: { rollout: string; seq: number } | null = null;
  #service: KubeObject | null = null;
  #queue: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(cluster: Pick<Cluster, "api" | "sleep">, options: RolloutEventsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Tells what the log has grown by. Waits only for the end of a rollout, and not long. */
  async tell(rollout: Rollout, epoch: number): Promise<void> {
    const seen = this.#seen?.rollout === rollout.id ? this.#seen.seq : -1;
    const newest = rollout.log.at(-1)?.seq ?? -1;
    this.#seen = { rollout: rollout.id, seq: newest };
    for (const saying of sayingsOf(rollout, seen)) {
      const message = `${saying.message.slice(0, longest).toWellFormed()} (epoch ${epoch})`;
      this.#queue = this.#queue.then(() => this.#write(rollout.id, { ...saying, message }));
    }
    if (rollout.phase === "done") await Promise.race([this.#queue, this.#cluster.sleep(patience)]);
  }

  async #write(rollout: string, saying: Saying): Promise<void> {
    if (this.#isBroken) return;
    try {
      this.#service ??= await this.#cluster.api.read("Service", this.#options.service);
      if (this.#service === null) return;
      // Null: it is there already, told by a driver before this one.
      await this.#cluster.api.create(this.#event(rollout, saying, this.#service));
    } catch (error) {
      this.#isBroken = true;
      this.#options.told(`Events are not written to the cluster: ${failureOf(error).what}`);
    }
  }

  #event(rollout: string, { seq, type, reason, message }: Saying, service: KubeObject): KubeObject {
    const { name, namespace, uid } = service.metadata;
    const at = new Date(this.#cluster.api.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const mark = digestBytes(`${rollout} ${seq}`).slice("sha256:".length, "sha256:".length + 16);
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.${mark}`, labels: this.#options.labels },
      involvedObject: {
        apiVersion: "v1",
        kind: "Service",
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      },
      type,
      reason,
      message,
      source: { component: "mlship" },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
  }
}
