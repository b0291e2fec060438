// The Kubernetes target: one model in one namespace of one cluster, put together from its parts.
import { canaryName, namesOf, ownedSelector } from "../../cluster/names.ts";
import type { Served } from "../../cluster/served.ts";
import { MlshipError } from "../../errors.ts";
import { failureOf } from "../../rollout/event.ts";
import type {
  Fleet,
  HeldLock,
  Holder,
  Lock,
  Observed,
  Records,
  Revision,
  Target,
  Traffic,
} from "../../rollout/ports.ts";
import { isFinished } from "../../rollout/record.ts";
import { BaseObjects } from "./fleet/base-objects.ts";
import { CanaryCrews } from "./fleet/canary-crew.ts";
import { CanaryFuse } from "./fleet/canary-fuse.ts";
import { KubernetesFleet } from "./fleet/fleet.ts";
import { FullSets } from "./fleet/full-set.ts";
import { keepingOf, type Keeping } from "./keeping.ts";
import { see, standingOf } from "./observe.ts";
import { lastLines } from "./pods/pods.ts";
import type { Blueprints, Cluster, Kind } from "./ports.ts";
import { findingsOf } from "./recover.ts";
import type { Finding } from "./stable-findings.ts";
import { Vigil, watched } from "./vigil.ts";
import { Released } from "./fleet/released.ts";
import { splitOf, type Split } from "./traffic/split.ts";

/** What tells one model on a cluster from another, and how it serves. */
export interface KubernetesTargetOptions {
  name: string;
  channel: string;
  /** What mlship.yaml says about how versions take over. */
  deploy: Pick<Served["deploy"], "canary" | "router" | "route">;
  blueprints: Blueprints;
  /** The reference of an image with its digest: asks the registry. */
  resolve: (image: string) => Promise<string>;
  /** Looks whether this user can deploy to this namespace at all. Throws the findings. */
  access: () => Promise<void>;
  /** Looks for what would make a rollout fail, before anything is written. Throws the findings. */
  check: (served: Served) => Promise<void>;
  /** Who acts here: the lock is taken in this name when `recover` has something to set right. */
  holder: Holder;
  /** For people: why something takes a while, and what was left undone. */
  told: (text: string) => void;
  /** Ends waiting for the lock. */
  signal: AbortSignal;
}

/** Everything that a model may have in its namespace, in the order in which it goes. */
const removable: readonly Kind[] = [
  "HorizontalPodAutoscaler",
  "Job",
  "HTTPRoute",
  "PodMonitor",
  "Deployment",
  "PodDisruptionBudget",
  "NetworkPolicy",
  "RoleBinding",
  "Role",
  "Service",
  "ServiceAccount",
  "ConfigMap",
];

/** Serves on a cluster. */
export class KubernetesTarget implements Target {
  readonly name = "kubernetes";
  readonly place: string;
  readonly fleet: Fleet;
  readonly traffic: Traffic;
  readonly lock: Lock;
  readonly records: Records;
  /** What was found and set right when the lock was taken, until `recover` tells it. */
  readonly #mended: string[] = [];
  readonly #options: KubernetesTargetOptions;
  readonly #cluster: Cluster;
  readonly #keeping: Keeping;
  readonly #released: Released;
  readonly #split: Split;
  readonly #findings: () => Promise<Finding[]>;
  readonly #vigil: Vigil;
  #isHeld = false;

  constructor(cluster: Cluster, options: KubernetesTargetOptions) {
    const { name, channel, deploy, blueprints, resolve, told, signal } = options;
    const { split } = deploy.canary;
    this.#cluster = cluster;
    this.#options = options;
    this.place = `context ${cluster.context}, namespace ${cluster.namespace}`;
    const alsoFenced: Kind[] = split === "gateway" ? ["HTTPRoute"] : [];
    this.#keeping = keepingOf(cluster, { name, alsoFenced, told, signal });
    const { fence, records } = this.#keeping;
    const fuse = new CanaryFuse(cluster, fence);
    const base = new BaseObjects(cluster, fence, { name, channel, resolve });
    const crews = new CanaryCrews(cluster, fence, fuse, { name, service: namesOf(name).canary });
    const sets = new FullSets(cluster, fence);
    const released = new Released(cluster, { name, fence, blueprints, rollout: deploy });
    this.#released = released;
    this.#split = splitOf(split, {
      name,
      cluster,
      fence,
      fuse,
      bringsRoute: deploy.route !== null,
      readyWithinMs: deploy.canary.startTimeoutMs,
    });
    const { traffic } = this.#split;
    const parts = { name, cluster, fence, released, base, crews, sets };
    this.#vigil = new Vigil({ name, cluster, base, sets, released, told });
    this.traffic = watched(traffic, this.#vigil);
    this.records = records;
    this.fleet = new KubernetesFleet({ ...parts, vigil: this.#vigil, fallback: () => traffic.fallback() });
    this.#findings = () => findingsOf({ ...parts, records });
    this.lock = {
      acquire: (holder) => this.#acquire(holder),
      holder: () => this.#keeping.lock.holder(),
    };
  }

  /** Lock, fence and record: for `mlship unlock`. */
  get keeping(): Keeping {
    return this.#keeping;
  }

  async observe(): Promise<Observed> {
    const { name } = this.#options;
    const seen = see(await standingOf(this.#cluster, name));
    const [stable, canary, previous] = await Promise.all(
      [seen.stable, seen.canary, seen.previous].map((id) => this.#revision(id)),
    );
    return {
      stable: stable ?? null,
      canary: canary ?? null,
      previous: previous ?? null,
      share: canary === null || canary === undefined ? 0 : await this.#share(canary),
      endpoint: seen.stable === null ? null : this.#endpoint(),
    };
  }

  reachableShares(): Promise<number[] | null> {
    return this.#split.reachable();
  }

  access(): Promise<void> {
    return this.#options.access();
  }

  async preflight(revision: Revision): Promise<void> {
    await this.#options.check(await this.#released.find(revision));
    await this.#split.check();
  }

  /** @throws MlshipError as the lock does, when there is something to set right and another acts here. */
  async recover(): Promise<string[]> {
    const said = this.#mended.splice(0);
    const found = await this.#findings();
    const { lock } = this.#keeping;
    const canMend = found.some(({ mend }) => mend !== null);
    // Whoever is at work on it sees the same and sets it right when it took the lock.
    if (!canMend || this.#isHeld || (await lock.holder()) !== null) {
      return [...said, ...found.filter(({ mend }) => mend === null).map(({ said: text }) => text)];
    }
    const held = await this.lock.acquire(this.#options.holder);
    await held.release();
    const told = found.filter(({ mend }) => mend === null).map(({ said: text }) => text);
    return [...said, ...this.#mended.splice(0), ...told];
  }

  async logs(revision: Revision, lines: number): Promise<string> {
    const { api } = this.#cluster;
    const instances = `app.kubernetes.io/instance in (${revision.id},${canaryName(revision.id)})`;
    const pods = await api.list("Pod", instances);
    const [pod] = pods.toSorted((a, b) => born(b).localeCompare(born(a)));
    if (pod === undefined) return "";
    const from = { pod: pod.metadata.name, container: "server", previous: false, lines };
    return await lastLines(this.#cluster, from);
  }

  /** Removes everything of the model from the namespace, the record included; the Lease last. */
  async stop(): Promise<void> {
    const { api } = this.#cluster;
    const { name, holder } = this.#options;
    const { rollout } = namesOf(name);
    const held = await this.lock.acquire(holder);
    await this.traffic.fallback().catch((error: unknown) => {
      this.#options.told(`traffic could not be given back: ${failureOf(error).what}`);
    });
    for (const kind of removable) {
      for (const { metadata } of await api.list(kind, ownedSelector(name))) {
        await this.#keeping.fence.remove(kind, metadata.name);
      }
    }
    await held.release();
    await api.remove("Lease", rollout);
  }

  async #acquire(holder: Holder): Promise<HeldLock> {
    const held = await this.#keeping.lock.acquire(holder);
    this.#isHeld = true;
    for (const { said, mend } of await this.#look()) {
      if (mend === null) continue;
      try {
        await mend();
        this.#mended.push(said);
      } catch (error) {
        // What could not be set right is told; taking a rollout back must not wait for it.
        this.#options.told(`${said}: ${failureOf(error).what}`);
      }
    }
    await this.#begin();
    return {
      epoch: held.epoch,
      renew: () => held.renew(),
      release: async () => {
        this.#isHeld = false;
        this.#vigil.end();
        await held.release();
      },
    };
  }

  async #begin(): Promise<void> {
    try {
      await this.#vigil.begin();
    } catch (error) {
      this.#options.told(`stable is not looked after: ${failureOf(error).what}`);
    }
  }

  async #look(): Promise<Finding[]> {
    try {
      return await this.#findings();
    } catch (error) {
      this.#options.told(`the namespace could not be looked through: ${failureOf(error).what}`);
      return [];
    }
  }

  /** A revision by its id, also when only its objects are left to tell. */
  async #revision(id: string | null): Promise<Revision | null> {
    if (id === null) return null;
    const known = await this.#released.revision(id);
    if (known !== null) return known;
    const record = await this.records.load();
    const named = [record?.to, record?.from].find((one) => one?.id === id);
    if (named !== null && named !== undefined) return named;
    throw new MlshipError({
      code: "kubernetes.unknown-revision",
      what: `${id} runs for ${this.#options.name}, and nobody knows which release it is`,
      why: "the ConfigMap with its served document was removed, and no record names it",
      fix: `select another revision in Service ${namesOf(this.#options.name).stable}, or remove Deployment and Job of ${id}`,
      exit: "attention",
    });
  }

  /** The share as it is in force; as it was last asked for while the splitter does not answer. */
  async #share(canary: Revision): Promise<number> {
    try {
      return await this.#split.share();
    } catch (error) {
      if (!(error instanceof MlshipError)) throw error;
      const record = await this.records.load();
      return record !== null && !isFinished(record) && record.to.id === canary.id ? record.share : 0;
    }
  }

  #endpoint(): string {
    return `http://${namesOf(this.#options.name).users}.${this.#cluster.namespace}.svc`;
  }
}

function born({ metadata }: { metadata: { creationTimestamp?: string } }): string {
  return metadata.creationTimestamp ?? "";
}
