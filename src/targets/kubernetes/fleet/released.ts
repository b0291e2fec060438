// What the cluster has run before: served documents in immutable ConfigMaps, so that a rollback needs no store.
import { z } from "zod";
import { namesOf, servedName } from "../../../cluster/names.ts";
import type { Served } from "../../../cluster/served.ts";
import { makeServed, readServed, type ServedDocument } from "../../../cluster/served-document.ts";
import { canonicalJson } from "../../../digest.ts";
import { MlshipError } from "../../../errors.ts";
import type { Revision } from "../../../rollout/ports.ts";
import { revisionOf } from "../../../rollout/revision.ts";
import type { Fence } from "../lock/fence.ts";
import type { Blueprints, Cluster, KubeObject } from "../ports.ts";

const key = "served.json";
/** Label of these ConfigMaps, to tell them from others of the model. */
const kindLabel = "mlship.dev/document";
/** Documents that a model keeps in the cluster. */
const kept = 10;

const dataSchema = z.record(z.string(), z.string()).catch({});

/** What mlship.yaml says about how versions take over. */
export type RolloutKeys = Pick<Served["deploy"], "canary" | "router">;

export interface ReleasedOptions {
  /** Name of the model. */
  name: string;
  fence: Fence;
  blueprints: Blueprints;
  /** Null to go by what each document says. */
  rollout: RolloutKeys | null;
}

/** The served documents of one model. */
export class Released {
  readonly #name: string;
  readonly #cluster: Pick<Cluster, "api">;
  readonly #fence: Fence;
  readonly #blueprints: Blueprints;
  readonly #rollout: RolloutKeys | null;
  readonly #known = new Map<string, ServedDocument>();

  constructor(cluster: Pick<Cluster, "api">, { name, fence, blueprints, rollout }: ReleasedOptions) {
    this.#name = name;
    this.#cluster = cluster;
    this.#fence = fence;
    this.#blueprints = blueprints;
    this.#rollout = rollout;
  }

  /**
   * How a revision is served.
   * @throws MlshipError `kubernetes.unknown-revision`, exit 7, when nobody knows it.
   */
  async find(revision: Revision): Promise<Served> {
    const known = await this.#read(revision.id);
    if (known !== null) return this.#served(known);
    const served = await this.#blueprints.servedBy(revision);
    if (served !== null) {
      const document = makeServed(served, revision.release);
      this.#known.set(revision.id, document);
      return this.#served(document);
    }
    throw new MlshipError({
      code: "kubernetes.unknown-revision",
      what: `nobody knows how ${revision.id} is served`,
      why: `neither ConfigMap ${servedName(revision.id)} in the cluster nor the store has it`,
      fix: `deploy version ${revision.version} again from its project`,
      exit: "attention",
    });
  }

  /** As `find`, and keeps the document in the cluster before anything of the revision is made. */
  async keep(revision: Revision): Promise<Served> {
    const served = await this.find(revision);
    const document = await this.#read(revision.id);
    if (document !== null) await this.#fence.ensure(this.#configMap(revision.id, document));
    return served;
  }

  /** The revision of this id; null when the cluster has no document of it. */
  async revision(id: string): Promise<Revision | null> {
    const document = await this.#read(id);
    return document === null ? null : revisionIn(document);
  }

  /** Every revision whose document is in the cluster, oldest first. */
  async all(): Promise<Revision[]> {
    const found = await this.#list();
    return found.flatMap((object) => {
      const document = documentIn(object);
      return document === null ? [] : [revisionIn(document)];
    });
  }

  /** Removes the oldest documents beyond the number that is kept. @param spared revisions that stay */
  async prune(spared: readonly (string | null)[]): Promise<void> {
    const names = new Set(spared.flatMap((id) => (id === null ? [] : [servedName(id)])));
    const found = await this.#list();
    for (const { metadata } of found.slice(0, Math.max(0, found.length - kept))) {
      if (!names.has(metadata.name)) await this.#fence.remove("ConfigMap", metadata.name);
    }
  }

  async #list(): Promise<KubeObject[]> {
    const selector = `app.kubernetes.io/name=${this.#name},${kindLabel}=served`;
    const found = await this.#cluster.api.list("ConfigMap", selector);
    const born = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? "";
    return found.toSorted((a, b) => born(a).localeCompare(born(b)));
  }

  async #read(id: string): Promise<ServedDocument | null> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const object = await this.#cluster.api.read("ConfigMap", servedName(id));
    const document = object === null ? null : documentIn(object);
    // Somebody else's object of this name says nothing about the revision.
    if (document === null || revisionIn(document).id !== id) return null;
    this.#known.set(id, document);
    return document;
  }

  /** How the traffic is split follows what mlship.yaml says now: it does not make another revision. */
  #served(document: ServedDocument): Served {
    const { canary, router } = this.#rollout ?? document.deploy;
    const { startTimeoutMs } = document.deploy.canary;
    const deploy = { ...document.deploy, router, canary: { ...canary, startTimeoutMs } };
    return { ...document, deploy, revision: revisionIn(document).id };
  }

  #configMap(id: string, document: ServedDocument): KubeObject {
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: servedName(id),
        labels: {
          "app.kubernetes.io/name": this.#name,
          "app.kubernetes.io/instance": namesOf(this.#name).users,
          "app.kubernetes.io/managed-by": "mlship",
          [kindLabel]: "served",
        },
      },
      immutable: true,
      data: { [key]: canonicalJson(document) },
    };
  }
}

/** The document in a ConfigMap; null when there is none that this mlship understands. */
function documentIn(object: KubeObject): ServedDocument | null {
  const text = dataSchema.parse(object["data"])[key];
  if (text === undefined) return null;
  try {
    return readServed(JSON.parse(text));
  } catch (error) {
    if (error instanceof MlshipError || error instanceof SyntaxError) return null;
    throw error;
  }
}

function revisionIn({ name, version, release, digest }: ServedDocument): Revision {
  return revisionOf(name, version, release, digest);
}
