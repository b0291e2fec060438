// Posts the guardian beside a canary, sees that it watches, and dismisses it when the rollout is over.
import { z } from "zod";
import { guardianObjects } from "../../../../cluster/kinds/guardian.ts";
import type { KubernetesObject } from "../../../../cluster/manifest.ts";
import { namesOf } from "../../../../cluster/names.ts";
import { placementOf } from "../../../../cluster/pod/placement.ts";
import { MlshipError } from "../../../../errors.ts";
import { endOf } from "../../fleet/canary-fuse.ts";
import type { Fence } from "../../lock/fence.ts";
import { crewOf, explain, troubleIn } from "../../pods/pods.ts";
import type { Cluster, Kind, KubeObject } from "../../ports.ts";

/** What the guardian that runs was posted for. */
const guardsAnnotation = "mlship.dev/guards";

/** Milliseconds that a guardian may take to see the Lease, between two looks, and between two checks. */
const readyWithin = 60_000;
const poll = 250;
const checkEvery = 5_000;
/** Milliseconds without a guardian that sees, such as while it moves to another node. */
const patience = 20_000;

/** What a guardian has to look after. */
export interface Post {
  /** The canary's Job. */
  job: string;
  /** Names of the routes that are lent. */
  routes: string[];
}

const templateSchema = z.object({
  template: z.object({
    spec: z.object({ containers: z.array(z.object({ name: z.string(), image: z.string() })) }),
  }),
});
const jsonSchema = z.record(z.string(), z.json());

/** The guardian of one model. */
export class Guardian {
  readonly #cluster: Cluster;
  readonly #fence: Fence;
  readonly #name: string;
  #post: Post | null = null;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #seenAt = Number.NEGATIVE_INFINITY;

  /** @param name of the model */
  constructor(cluster: Cluster, fence: Fence, name: string) {
    this.#cluster = cluster;
    this.#fence = fence;
    this.#name = name;
  }

  /**
   * Starts it unless it runs, and waits until it sees the Lease.
   * @throws MlshipError `gateway.no-guardian`, exit 5, with the cause.
   */
  async post(post: Post): Promise<void> {
    const { guardian } = namesOf(this.#name);
    this.#post = post;
    const [job, ...others] = (await this.#objectsFor(post)).toReversed();
    if (job === undefined) return;
    const before = await this.#cluster.api.read("Job", guardian);
    const isSame =
      before?.metadata.annotations?.[guardsAnnotation] === job.metadata.annotations?.[guardsAnnotation];
    const runs = before !== null && before.metadata.deletionTimestamp === undefined && endOf(before) === null;
    if (!runs || !isSame) {
      await this.#remove("Job", guardian);
      for (const object of others.toReversed()) await this.#fence.put(object);
      await this.#fence.ensure(job);
    }
    await this.#ready();
  }

  /**
   * Sees that it still watches; cheap when asked often. One that is gone is posted again.
   * @throws MlshipError `gateway.no-guardian`, exit 5, when none has watched for 20 s.
   */
  async check(): Promise<void> {
    const now = this.#cluster.monotonic();
    if (now - this.#checkedAt < checkEvery) return;
    this.#checkedAt = now;
    const crew = await crewOf(this.#cluster, "Job", namesOf(this.#name).guardian);
    if (crew.ready > 0) {
      this.#seenAt = now;
      return;
    }
    // A driver that took the rollout up looks for the first time.
    if (this.#seenAt === Number.NEGATIVE_INFINITY) this.#seenAt = now;
    const isGone = crew.owner === null || endOf(crew.owner) !== null;
    if (isGone && this.#post !== null) return await this.post(this.#post);
    if (now - this.#seenAt >= patience) throw await this.#missing();
  }

  /** Ends it and takes its rights away. */
  async dismiss(): Promise<void> {
    const { guardian } = namesOf(this.#name);
    const kinds: Kind[] = ["Job", "RoleBinding", "Role", "ServiceAccount"];
    for (const kind of kinds) await this.#fence.remove(kind, guardian);
    this.#post = null;
  }

  async #objectsFor({ job, routes }: Post): Promise<KubeObject[]> {
    const canary = await this.#cluster.api.read("Job", job);
    if (canary === null) throw noGuardian(`there is no Job ${job} whose image it could run from`);
    const { containers } = templateSchema.parse(canary["spec"]).template.spec;
    const server = containers.find(({ name }) => name === "server") ?? containers[0];
    if (server === undefined) throw noGuardian(`Job ${job} has no container`);
    const { namespace } = this.#cluster;
    // What the canary's pods need of the cluster, the guardian needs too.
    const metadata = { name: job, namespace };
    const spec = jsonSchema.parse(canary["spec"]);
    const placement = placementOf({ apiVersion: canary.apiVersion, kind: canary.kind, metadata, spec });
    const own = { name: this.#name, namespace, job, routes, image: server.image };
    const objects = guardianObjects({ ...own, ...placement });
    const guards = JSON.stringify({ job, routes, image: server.image });
    return objects.map((object) => annotated(object, guards));
  }

  async #ready(): Promise<void> {
    const { guardian } = namesOf(this.#name);
    const until = this.#cluster.monotonic() + readyWithin;
    while ((await crewOf(this.#cluster, "Job", guardian)).ready === 0) {
      if (this.#cluster.monotonic() >= until) throw await this.#missing();
      await this.#cluster.sleep(poll);
    }
    this.#seenAt = this.#cluster.monotonic();
  }

  async #remove(kind: Kind, name: string): Promise<void> {
    if (!(await this.#fence.remove(kind, name))) return;
    const until = this.#cluster.monotonic() + readyWithin;
    while ((await this.#cluster.api.read(kind, name)) !== null) {
      if (this.#cluster.monotonic() >= until) throw noGuardian(`the ${kind} ${name} before it does not go`);
      await this.#cluster.sleep(poll);
    }
  }

  async #missing(): Promise<MlshipError> {
    const crew = await crewOf(this.#cluster, "Job", namesOf(this.#name).guardian);
    const trouble = await troubleIn(this.#cluster, crew);
    return noGuardian(trouble === null ? "its pod is not ready" : await explain(this.#cluster, trouble));
  }
}

function annotated(object: KubernetesObject, guards: string): KubeObject {
  const annotations = { [guardsAnnotation]: guards };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function noGuardian(why: string): MlshipError {
  return new MlshipError({
    code: "gateway.no-guardian",
    what: "no guardian watches the rollout",
    why: `${why}; behind a Gateway a canary gets no traffic without one, since nothing else would take it off when mlship is killed`,
    fix: "see `kubectl get pods` in the namespace; the guardian runs from the model's own image",
    exit: "unavailable",
  });
}
