// What stays of a model from version to version: accounts, policies, three Services and the router.
import { z } from "zod";
import { namesOf } from "../../../cluster/names.ts";
import type { Served } from "../../../cluster/served.ts";
import { MlshipError } from "../../../errors.ts";
import {
  baseOf,
  canaryServiceOf,
  routerOf,
  stableServiceOf,
  usersSelector,
  usersServiceOf,
} from "./blueprint.ts";
import type { Fence } from "../lock/fence.ts";
import { replicasIn } from "./full-set.ts";
import { crewOf, troubleIn, explain } from "../pods/pods.ts";
import type { Cluster, KubeObject } from "../ports.ts";
import { addressOf, instanceOf, select, selectorOf } from "./stable-service.ts";

/** Annotation of the router's Deployment: the image as mlship.yaml names it, whose digest runs. */
const imageAnnotation = "mlship.dev/router-image";

const deploymentSchema = z.object({
  metadata: z.object({ generation: z.number().default(0) }),
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.array(z.object({ image: z.string().default("") })) }),
    }),
  }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      updatedReplicas: z.number().default(0),
      readyReplicas: z.number().default(0),
    })
    .prefault({}),
});

export interface BaseOptions {
  name: string;
  /** The channel that the users' Service belongs to. */
  channel: string;
  /** The image's reference with its digest: asks the registry. */
  resolve: (image: string) => Promise<string>;
}

/** Makes what every revision of a model needs, and tells whether it is ready. */
export class BaseObjects {
  readonly #cluster: Cluster;
  readonly #fence: Fence;
  readonly #options: BaseOptions;

  constructor(cluster: Cluster, fence: Fence, options: BaseOptions) {
    this.#cluster = cluster;
    this.#fence = fence;
    this.#options = options;
  }

  /**
   * Makes what is missing and brings the rest up to date. Where the users' Service leads is left as
   * it is: what it is to lead to may not be ready yet.
   */
  async put(served: Served): Promise<void> {
    const { channel } = this.#options;
    for (const object of baseOf(served)) {
      // A route may be lent to a rollout: what it leads to now is not this one's to say.
      if (object.kind === "HTTPRoute") await this.#fence.ensure(object);
      else await this.#fence.put(object);
    }
    const stable = await this.#fence.ensure(stableServiceOf(served));
    const canary = await this.#fence.ensure(canaryServiceOf(served));
    if (served.deploy.canary.split === "router") await this.#putRouter(served, stable, canary);
    const users = usersServiceOf(served, { channel, stable: instanceOf(stable) });
    const now = await this.#cluster.api.read("Service", users.metadata.name);
    const selector = now === null ? undefined : selectorOf(now);
    const spec = z.looseObject({}).parse(users["spec"]);
    await this.#fence.put(selector === undefined ? users : { ...users, spec: { ...spec, selector } });
  }

  /** Whether all of it works; leads users to it as soon as it does. */
  async isReady(served: Served): Promise<boolean> {
    const names = namesOf(this.#options.name);
    if (served.deploy.canary.split === "router") {
      const router = await this.#cluster.api.read("Deployment", names.router);
      if (router === null || !isRolledOut(router)) return false;
    }
    const stable = instanceOf(await this.#cluster.api.read("Service", names.stable));
    const selector = usersSelector(served, stable);
    const users = await this.#cluster.api.read("Service", names.users);
    if (users === null || select(users, selector) === null) return users !== null;
    await this.#fence.write("Service", names.users, (now) => select(now, selector));
    return true;
  }

  /** Why it does not work in time. */
  async notReady(served: Served): Promise<MlshipError> {
    const { router, users } = namesOf(this.#options.name);
    const crew = await crewOf(this.#cluster, "Deployment", router);
    const trouble = await troubleIn(this.#cluster, crew);
    return new MlshipError({
      code: "kubernetes.router",
      what: `the router in front of ${users} did not become ready`,
      why:
        trouble === null
          ? `${crew.ready} of its ${crew.wanted} pods are ready`
          : await explain(this.#cluster, trouble),
      fix: `see kubectl -n ${served.deploy.namespace} describe deployment ${router}; another image can be named in deploy.router.image`,
      exit: "unavailable",
    });
  }

  async #putRouter(served: Served, stable: KubeObject, canary: KubeObject): Promise<void> {
    const wanted = served.deploy.router.image;
    const { router } = namesOf(this.#options.name);
    const now = await this.#cluster.api.read("Deployment", router);
    const image = (now === null ? null : pinnedImage(now, wanted)) ?? (await this.#options.resolve(wanted));
    const addresses = { stable: this.#address(stable), canary: this.#address(canary) };
    for (const object of routerOf(served, { ...addresses, image })) {
      const isDeployment = object.kind === "Deployment";
      const annotations = { ...object.metadata.annotations, [imageAnnotation]: wanted };
      await this.#fence.put(
        isDeployment ? { ...object, metadata: { ...object.metadata, annotations } } : object,
      );
    }
  }

  #address(service: KubeObject): string {
    const address = addressOf(service);
    if (address !== null) return address;
    throw new MlshipError({
      code: "kubernetes.no-address",
      what: `Service ${service.metadata.name} has no address in the cluster`,
      why: "the router reaches its two sides by their ClusterIPs",
      fix: `remove it with kubectl delete service ${service.metadata.name}, and run the command again`,
      exit: "attention",
    });
  }
}

/** The digest that runs for this image already: the same tag may have moved since. */
function pinnedImage(router: KubeObject, wanted: string): string | null {
  if (router.metadata.annotations?.[imageAnnotation] !== wanted) return null;
  const [container] = deploymentSchema.parse(router).spec.template.spec.containers;
  return container === undefined || !container.image.includes("@sha256:") ? null : container.image;
}

function isRolledOut(deployment: KubeObject): boolean {
  const { metadata, status } = deploymentSchema.parse(deployment);
  const wanted = replicasIn(deployment);
  const isSeen = status.observedGeneration >= metadata.generation;
  return isSeen && status.updatedReplicas >= wanted && status.readyReplicas >= wanted;
}
