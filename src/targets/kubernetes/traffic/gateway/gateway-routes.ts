// The HTTPRoutes that lead to a model: lent to a rollout, weighed, given back, each time confirmed by their Gateways.
import { MlshipError } from "../../../../errors.ts";
import type { Fence } from "../../lock/fence.ts";
import { epochAnnotation } from "../../lock/fence.ts";
import { isStale } from "../../lock/fence-refusals.ts";
import { forgetting, giveBack, isLent, leadsTo, lend, shareOf } from "./gateway-route.ts";
import type { Backends } from "./gateway-route.ts";
import { standingOf } from "./gateway-status.ts";
import type { Cluster, KubeObject } from "../../ports.ts";

/** Milliseconds that a Gateway may take to say that it has taken over a route, and between two looks. */
const acceptedWithin = 15_000;
const poll = 100;
/** Writes of a last change that the Gateway's own writes of the status may come before. */
const attempts = 12;

/** Finds and changes the routes of one model. */
export class GatewayRoutes {
  readonly #cluster: Pick<Cluster, "api" | "monotonic" | "sleep">;
  readonly #fence: Fence;
  readonly #backends: Backends;

  constructor(cluster: Pick<Cluster, "api" | "monotonic" | "sleep">, fence: Fence, backends: Backends) {
    this.#cluster = cluster;
    this.#fence = fence;
    this.#backends = backends;
  }

  /** The routes of this namespace that lead to the model, mlship's own or somebody else's. */
  async find(): Promise<KubeObject[]> {
    const routes = await this.#cluster.api.list("HTTPRoute");
    return routes.filter((route) => leadsTo(route, this.#backends));
  }

  /** Share of the canary, 0 to 1: the largest of all routes. */
  async share(): Promise<number> {
    return Math.max(0, ...(await this.find()).map((route) => shareOf(route, this.#backends)));
  }

  /**
   * Sends a share (0 to 1) of what each route leads to the model to its canary, and waits until all
   * Gateways have accepted it. A route is first lent with share 0: only a write that names that
   * version can raise it, so that a driver that slept cannot lend with traffic.
   * @throws MlshipError `gateway.no-route`, `gateway.share` (exit 2), `gateway.not-accepted` (exit 5).
   */
  async weigh(share: number): Promise<void> {
    const routes = await this.find();
    if (routes.length === 0) throw noRoute(this.#backends.users);
    for (const route of routes.filter((each) => !isLent(each))) await this.#lend(route.metadata.name, 0);
    for (const route of routes) await this.#lend(route.metadata.name, share);
    await this.accepted(routes);
  }

  /** Gives all lent routes back as they were; what remains of the loan is an annotation. @returns them */
  async restore(): Promise<KubeObject[]> {
    const lent = (await this.find()).filter(isLent);
    for (const { metadata } of lent) {
      await this.#fence.write("HTTPRoute", metadata.name, (now) =>
        isLent(now) ? giveBack(now, this.#backends) : null,
      );
    }
    return lent;
  }

  /** Takes the last traces of mlship off routes that were given back, the epoch included. */
  async forget(routes: KubeObject[]): Promise<void> {
    for (const { metadata } of routes) {
      for (let attempt = 1; ; attempt += 1) {
        const now = await this.#cluster.api.read("HTTPRoute", metadata.name);
        if (now === null || !isLent(now)) break;
        await this.#fence.confirm();
        try {
          await this.#cluster.api.patch("HTTPRoute", metadata.name, forgetting(now, epochAnnotation));
          break;
        } catch (error) {
          // Its Gateway writes the status whenever it likes.
          if (!isStale(error) || attempt === attempts) throw error;
          await this.#cluster.sleep(poll);
        }
      }
    }
  }

  /**
   * Waits until all Gateways have accepted the routes as they are now.
   * @throws MlshipError `gateway.not-accepted`, exit 5, in the Gateway's words.
   */
  async accepted(routes: KubeObject[]): Promise<void> {
    const until = this.#cluster.monotonic() + acceptedWithin;
    for (const { metadata } of routes) {
      for (;;) {
        const route = await this.#cluster.api.read("HTTPRoute", metadata.name);
        const { accepted, why } = route === null ? { accepted: true, why: null } : standingOf(route);
        if (accepted) break;
        if (this.#cluster.monotonic() >= until) throw notAccepted(metadata.name, why ?? "");
        await this.#cluster.sleep(poll);
      }
    }
  }

  async #lend(name: string, share: number): Promise<void> {
    await this.#fence.write("HTTPRoute", name, (now) => {
      if (isLent(now) && shareOf(now, this.#backends) === share) return null;
      return lend(now, this.#backends, share);
    });
  }
}

/** The error of a model that no route leads to. */
export function noRoute(service: string): MlshipError {
  return new MlshipError({
    code: "gateway.no-route",
    what: `no HTTPRoute of this namespace leads to Service ${service}`,
    why: "with `deploy.canary.split: gateway` its weights are what splits the traffic",
    fix: `set \`deploy.route\`, or let a route of this namespace name Service ${service} as a backend`,
    exit: "usage",
  });
}

function notAccepted(route: string, why: string): MlshipError {
  return new MlshipError({
    code: "gateway.not-accepted",
    what: `the weights of HTTPRoute ${route} are not confirmed by its Gateway after ${acceptedWithin / 1000} s`,
    why,
    fix: "see that the Gateway's controller runs and that the route's parents and backends are right",
    exit: "unavailable",
  });
}
