// Splits traffic by the weights of HTTPRoutes: set, confirmed by the Gateway, and seen in the pods' own counters.
import { z } from "zod";
import { canaryName, namesOf } from "../../../../cluster/names.ts";
import { MlshipError } from "../../../../errors.ts";
import type { Measurement, Revision, Traffic } from "../../../../rollout/ports.ts";
import type { Fence } from "../../lock/fence.ts";
import type { GatewayFuse } from "./gateway-fuse.ts";
import type { GatewayCounts } from "./gateway-counts.ts";
import type { Guardian } from "./gateway-guardian.ts";
import type { GatewayRoutes } from "./gateway-routes.ts";
import { Quiet } from "./gateway-quiet.ts";
import type { Cluster } from "../../ports.ts";
import { instanceOf, select, selectorOf } from "../../fleet/stable-service.ts";

/** What the split by a Gateway is made of. */
export interface GatewayParts {
  /** Name of the model. */
  name: string;
  cluster: Cluster;
  fence: Fence;
  routes: GatewayRoutes;
  guardian: Guardian;
  fuse: GatewayFuse;
  counts: GatewayCounts;
}

/**
 * A backend without pods answers 503 for its share, whatever the Gateway. So no route gets a canary
 * without ready pods and without a guardian that sees, and no pods go before weight 0 is in force.
 * Nothing is sent again: what a canary fails, a user sees.
 */
export class GatewayTraffic implements Traffic {
  readonly #parts: GatewayParts;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  async set(canary: Revision, share: number): Promise<void> {
    const { routes, fuse, guardian } = this.#parts;
    if (share === 0) return await this.#silence();
    const job = canaryName(canary.id);
    await this.#refuseWithoutPods(job);
    await fuse.renew(job);
    const found = await routes.find();
    await guardian.post({ job, routes: found.map(({ metadata }) => metadata.name) });
    await routes.weigh(share);
  }

  async renew(): Promise<void> {
    const { cluster, guardian, fuse } = this.#parts;
    const { canary } = namesOf(this.#parts.name);
    const job = instanceOf(await cluster.api.read("Service", canary));
    if (job === null) throw noCanary("its Service selects none");
    await fuse.renew(job);
    await guardian.check();
  }

  async fallback(): Promise<void> {
    const { name, cluster, fence, routes, guardian } = this.#parts;
    const { users, stable } = namesOf(name);
    const truth = await cluster.api.read("Service", stable);
    // Nothing was ever deployed: there is no stable, and nobody's route to give back.
    if (truth === null) return;
    // Routes that are given back lead to the users' Service: it must reach whom they reach now.
    await fence.write("Service", users, (now) => select(now, selectorOf(truth)));
    const quiet = await this.#listen();
    const lent = await routes.restore();
    if (lent.length > 0) {
      await routes.accepted(lent);
      await quiet.confirm();
      await routes.forget(lent);
    }
    await guardian.dismiss();
  }

  async measured(): Promise<Measurement> {
    const { routes, counts } = this.#parts;
    const [share, seen] = await Promise.all([routes.share(), counts.read()]);
    return { ...seen, share, rescued: 0, failed: seen.stable.errors + seen.canary.errors };
  }

  /** Weight 0, in force. The routes stay lent. */
  async #silence(): Promise<void> {
    const { routes } = this.#parts;
    const quiet = await this.#listen();
    await routes.weigh(0);
    await quiet.confirm();
  }

  async #listen(): Promise<Quiet> {
    const { cluster, routes, counts } = this.#parts;
    return new Quiet(cluster, counts, await routes.share());
  }

  async #refuseWithoutPods(job: string): Promise<void> {
    const { cluster, name } = this.#parts;
    const { canary } = namesOf(name);
    const service = instanceOf(await cluster.api.read("Service", canary));
    if (service !== job) throw noCanary(`Service ${canary} leads to ${service ?? "nothing"}`);
    const endpoints = await cluster.api.read("Endpoints", canary);
    const { subsets } = endpointsSchema.parse(endpoints ?? {});
    if (!(subsets ?? []).some(({ addresses }) => (addresses ?? []).length > 0)) {
      throw noCanary("none of its servers is ready");
    }
  }
}

const endpointsSchema = z.object({
  subsets: z.array(z.object({ addresses: z.array(z.looseObject({})).nullish() })).nullish(),
});

function noCanary(why: string): MlshipError {
  return new MlshipError({
    code: "gateway.no-canary",
    what: "no traffic is sent to the canary",
    why: `${why}, and a Gateway answers 503 for a backend without servers`,
    fix: "see `mlship status`, then deploy again",
    exit: "unavailable",
  });
}
