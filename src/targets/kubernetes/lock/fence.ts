// Writes that only the holder of the rollout's lock can make: an older driver is refused.
import { MlshipError } from "../../../errors.ts";
import { contended, isStale, lockLost, missing, refuseForeign } from "./fence-refusals.ts";
import { leaseEpoch, leaseHolder } from "./lease-object.ts";
import type { Cluster, Kind, KubeObject } from "../ports.ts";
import { isKind } from "../resources.ts";

/** The epoch that an object was last written under. */
export const epochAnnotation = "mlship.dev/epoch";

/** Writes that another writer came before, until it is an error. Status updates count as writers. */
const attempts = 12;
/** Milliseconds between two of them, times their number. */
const pause = 25;

/** The epoch that an object was last written under; 0 when it never was under a lock. */
export function epochOf(object: KubeObject): number {
  const text = object.metadata.annotations?.[epochAnnotation] ?? "0";
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** The object with the epoch that it is written under. */
export function withEpoch(object: KubeObject, epoch: number): KubeObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [epochAnnotation]: String(epoch) };
  return { ...object, metadata: { ...metadata, annotations } };
}

/**
 * Every write under the lock goes through here. Three things keep an older driver out, so that one
 * that slept between any two instructions cannot write: the Lease is asked before each write, each
 * write names the `resourceVersion` that it was decided on, and whoever takes the lock writes its
 * epoch on everything of the model (`shutOut`).
 *
 * What cannot be fenced is the creation of an object that is not there. So nothing may do harm by
 * being created: a canary is without traffic and has its fuse, a full set is without traffic.
 */
export class Fence {
  readonly #cluster: Pick<Cluster, "api" | "sleep">;
  readonly #lease: string;
  #held: { epoch: number; holder: string } | null = null;

  /** @param lease name of the lock's Lease */
  constructor(cluster: Pick<Cluster, "api" | "sleep">, lease: string) {
    this.#cluster = cluster;
    this.#lease = lease;
  }

  /** From now on this process writes under this epoch: told by the lock when it was acquired. */
  hold(epoch: number, holder: string): void {
    this.#held = { epoch, holder };
  }

  /**
   * Epoch of the lock that this process holds or held.
   * @throws MlshipError `rollout.not-locked`, exit 1, when it never did.
   */
  get epoch(): number {
    return this.#holding().epoch;
  }

  /**
   * Asks the Lease whether this process still holds the lock. For what is changed past the API
   * server; `write`, `put`, `ensure` and `remove` do it by themselves.
   * @throws MlshipError `rollout.lock-lost`, exit 7.
   */
  async confirm(): Promise<void> {
    const { epoch, holder } = this.#holding();
    const lease = await this.#cluster.api.read("Lease", this.#lease);
    // Removed by hand, nobody else holds it: `renew` makes it anew.
    if (lease === null) return;
    if (leaseEpoch(lease) === epoch && leaseHolder(lease) === holder) return;
    throw lockLost(`the Lease ${this.#lease} is at epoch ${leaseEpoch(lease)}, this process at ${epoch}`);
  }

  /**
   * Changes an object that is there.
   * @param change the object as it should be, made from the object as it is; null when it is so
   *   already. Called again when another writer came before.
   * @returns the object as it is now
   * @throws MlshipError `rollout.lock-lost` (exit 7), `kubernetes.missing` (exit 7), and what `Api` throws.
   */
  async write(kind: Kind, name: string, change: (now: KubeObject) => KubeObject | null): Promise<KubeObject> {
    return await this.#again(`${kind} ${name}`, async () => {
      const now = await this.#read(kind, name);
      if (now === null) throw missing(kind, name);
      const wanted = change(structuredClone(now));
      if (wanted === null) return now;
      await this.confirm();
      const { resourceVersion } = now.metadata;
      const pinned = {
        ...wanted,
        metadata: { ...wanted.metadata, ...(resourceVersion && { resourceVersion }) },
      };
      return await this.#cluster.api.replace(withEpoch(pinned, this.epoch));
    });
  }

  /**
   * Makes an object of mlship's own be as given, by server-side apply: fields that it does not name
   * keep what others gave them.
   * @param manager field manager; `mlship` unless given
   */
  async put(object: KubeObject, manager?: string): Promise<KubeObject> {
    const { kind, name } = identityOf(object);
    return await this.#again(`${kind} ${name}`, async () => {
      const now = await this.#read(kind, name);
      await this.confirm();
      if (now === null) return await this.#create(object);
      refuseForeign(now);
      const { resourceVersion } = now.metadata;
      const metadata = { ...object.metadata, ...(resourceVersion && { resourceVersion }) };
      return await this.#cluster.api.seize(withEpoch({ ...object, metadata }, this.epoch), manager);
    });
  }

  /** Creates an object of mlship's own; one that is there stays as it is. */
  async ensure(object: KubeObject): Promise<KubeObject> {
    const { kind, name } = identityOf(object);
    return await this.#again(`${kind} ${name}`, async () => {
      const now = await this.#read(kind, name);
      if (now !== null) {
        refuseForeign(now);
        return now;
      }
      await this.confirm();
      return await this.#create(object);
    });
  }

  /** Removes an object of mlship's own. False when there was none. */
  async remove(kind: Kind, name: string): Promise<boolean> {
    return await this.#again(`${kind} ${name}`, async () => {
      const now = await this.#read(kind, name);
      if (now === null || now.metadata.deletionTimestamp !== undefined) return false;
      refuseForeign(now);
      await this.confirm();
      const { uid, resourceVersion } = now.metadata;
      return await this.#cluster.api.remove(kind, name, {
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      });
    });
  }

  /**
   * Writes this epoch on every object of these kinds, so that whatever an older driver decided
   * before is refused. Gives the highest epoch found: one above ours means that the Lease was lost
   * and began again, and that ours is not the highest.
   * @param selector which objects, as kubectl takes it
   */
  async shutOut(kinds: readonly Kind[], selector: string): Promise<number> {
    const { api } = this.#cluster;
    const found = (await Promise.all(kinds.map((kind) => api.list(kind, selector)))).flat();
    const highest = Math.max(0, ...found.map(epochOf));
    if (highest > this.epoch) return highest;
    const older = found.filter((object) => epochOf(object) < this.epoch);
    await Promise.all(older.map((object) => this.#stamp(object)));
    return highest;
  }

  /** Only the annotation: with the kind and name that the list gave, whatever the object's version is. */
  async #stamp(listed: KubeObject): Promise<void> {
    const { kind, name } = identityOf(listed);
    await this.#again(`${kind} ${name}`, async () => {
      const now = await this.#read(kind, name);
      const { resourceVersion } = now?.metadata ?? {};
      if (now === null || epochOf(now) === this.epoch) return;
      await this.#cluster.api.patch(kind, name, {
        metadata: {
          ...(resourceVersion && { resourceVersion }),
          annotations: { [epochAnnotation]: String(this.epoch) },
        },
      });
    });
  }

  #holding(): { epoch: number; holder: string } {
    if (this.#held !== null) return this.#held;
    throw new MlshipError({
      code: "rollout.not-locked",
      what: "this process changes a deployment without holding its lock",
      why: "every change is made under the lock's epoch",
      exit: "internal",
    });
  }

  async #read(kind: Kind, name: string): Promise<KubeObject | null> {
    const now = await this.#cluster.api.read(kind, name);
    if (now !== null && epochOf(now) > this.epoch) {
      throw lockLost(
        `${kind} ${name} was written under epoch ${epochOf(now)}, this process has ${this.epoch}`,
      );
    }
    return now;
  }

  async #create(object: KubeObject): Promise<KubeObject> {
    const created = await this.#cluster.api.create(withEpoch(object, this.epoch));
    if (created === null) throw new Overtaken();
    return created;
  }

  /** Decides and writes again when another writer came between. */
  async #again<T>(object: string, attempt: () => Promise<T>): Promise<T> {
    for (let count = 1; ; count += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Overtaken) && !isStale(error)) throw error;
        if (count >= attempts) throw contended(object, attempts, error);
      }
      await this.#cluster.sleep(count * pause);
    }
  }
}

/** Another writer created the object first. */
class Overtaken extends Error {}

function identityOf({ kind, metadata }: KubeObject): { kind: Kind; name: string } {
  if (isKind(kind)) return { kind, name: metadata.name };
  throw new TypeError(`mlship does not write objects of kind ${kind}`);
}
