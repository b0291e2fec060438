// Whether a Gateway can split this model's traffic: found out before anything is changed.
import { MlshipError } from "../../../../errors.ts";
import { leadsTo } from "./gateway-route.ts";
import type { Backends } from "./gateway-route.ts";
import { noRoute } from "./gateway-routes.ts";
import { standingOf } from "./gateway-status.ts";
import type { Cluster } from "../../ports.ts";

/**
 * Checks that routes lead to the model, and that their Gateways accept them.
 * @param brings mlship makes a route of its own, so that none need be there yet
 * @throws MlshipError `gateway.no-route` (exit 2), `gateway.refused` (exit 5) in the Gateway's words.
 */
export async function checkGateway(
  { api }: Pick<Cluster, "api">,
  backends: Backends,
  brings: boolean,
): Promise<void> {
  const routes = (await api.list("HTTPRoute")).filter((route) => leadsTo(route, backends));
  if (routes.length === 0 && !brings) throw noRoute(backends.users);
  // The users' Service is made by the first deploy: until then no Gateway can resolve it.
  if ((await api.read("Service", backends.users)) === null) return;
  for (const route of routes) {
    const { accepted, why } = standingOf(route);
    if (accepted) continue;
    throw new MlshipError({
      code: "gateway.refused",
      what: `HTTPRoute ${route.metadata.name} is not in force`,
      why: why ?? "its Gateway does not say why",
      fix: "see that the Gateway's controller runs and that the route's parents and backends are right",
      exit: "unavailable",
    });
  }
}
