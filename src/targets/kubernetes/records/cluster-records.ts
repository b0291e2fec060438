// The rollout's record and a person's wish, as ConfigMaps that any driver on any machine finds.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import type { Records, Wish } from "../../../rollout/ports.ts";
import { readRollout } from "../../../rollout/record.ts";
import type { Rollout } from "../../../rollout/record.ts";
import type { RolloutEvents } from "./events.ts";
import { epochOf, withEpoch } from "../lock/fence.ts";
import type { Fence } from "../lock/fence.ts";
import { isStale } from "../lock/fence-refusals.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** The record in its ConfigMap. */
const recordKey = "rollout.json";

const dataSchema = z.record(z.string(), z.string()).nullish();
const wishSchema = z.enum(["promote", "abort"]);

export interface ClusterRecordsOptions {
  /** Names of the two ConfigMaps. */
  record: string;
  wish: string;
  /** Labels of the model's objects. */
  labels: Record<string, string>;
  fence: Fence;
  /** Told of what is new in the record. */
  events: RolloutEvents;
}

/** Every save replaces the whole record under the fence; a wish needs no lock and is taken once. */
export class ClusterRecords implements Records {
  readonly #cluster: Pick<Cluster, "api">;
  readonly #options: ClusterRecordsOptions;
  /** The record as this process last wrote it: what the next write depends on. */
  #written: KubeObject | null = null;

  constructor(cluster: Pick<Cluster, "api">, options: ClusterRecordsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** @throws MlshipError `rollout.record`, exit 7, for a record that this mlship does not understand. */
  async load(): Promise<Rollout | null> {
    const found = await this.#cluster.api.read("ConfigMap", this.#options.record);
    if (found === null) return null;
    const text = dataSchema.parse(found["data"])?.[recordKey];
    // Stamped by a driver before it wrote its first record.
    if (text === undefined) return null;
    return readRollout(parse(text, this.#options.record));
  }

  async save(rollout: Rollout): Promise<void> {
    const { fence, events } = this.#options;
    const data = { [recordKey]: JSON.stringify(rollout) };
    this.#written = (await this.#replaceOwn(data)) ?? (await this.#saveAnew(data));
    await events.tell(rollout, fence.epoch);
  }

  async wish(wish: Wish): Promise<void> {
    const { api } = this.#cluster;
    for (;;) {
      if ((await api.create(this.#configMap(this.#options.wish, { wish }))) !== null) return;
      // A wish that nobody has taken yet: the later one counts.
      await api.remove("ConfigMap", this.#options.wish);
    }
  }

  async takeWish(): Promise<Wish | null> {
    const { api } = this.#cluster;
    const { wish: name } = this.#options;
    const found = await api.read("ConfigMap", name);
    if (found === null || found.metadata.deletionTimestamp !== undefined) return null;
    const { uid } = found.metadata;
    try {
      // Whoever removes this very object has the wish: one of two drivers, never both.
      if (!(await api.remove("ConfigMap", name, { ...(uid && { uid }) }))) return null;
    } catch (error) {
      if (isStale(error)) return null;
      throw error;
    }
    const wish = wishSchema.safeParse(dataSchema.safeParse(found["data"]).data?.["wish"]);
    return wish.success ? wish.data : null;
  }

  /** One request in place of three: what was written last, if nobody wrote since. Null when somebody did. */
  async #replaceOwn(data: Record<string, string>): Promise<KubeObject | null> {
    const { fence } = this.#options;
    const last = this.#written;
    if (last === null || epochOf(last) !== fence.epoch) return null;
    try {
      return await this.#cluster.api.replace({ ...last, data });
    } catch (error) {
      if (isStale(error)) return null;
      throw error;
    }
  }

  async #saveAnew(data: Record<string, string>): Promise<KubeObject> {
    const { fence, record } = this.#options;
    await fence.ensure(this.#configMap(record, {}));
    return await fence.write("ConfigMap", record, (now) => ({ ...withEpoch(now, fence.epoch), data }));
  }

  #configMap(name: string, data: Record<string, string>): KubeObject {
    return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: this.#options.labels }, data };
  }
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MlshipError({
      code: "rollout.record",
      what: "the rollout's record cannot be read",
      why: `ConfigMap ${name} does not hold whole JSON: something other than mlship wrote it`,
      fix: `see \`mlship status\` for what serves; then remove the record: kubectl delete configmap ${name}`,
      exit: "attention",
      cause,
    });
  }
}
