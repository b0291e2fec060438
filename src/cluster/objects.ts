// The room `cluster`: one release as Kubernetes objects, as data. It knows nothing about time and no cluster.
import { autoscaler } from "./kinds/autoscaler.ts";
import { filesOfModel } from "./pod/delivery.ts";
import { deployment } from "./kinds/deployment.ts";
import { disruptionBudget } from "./kinds/disruption-budget.ts";
import type { Manifest } from "./manifest.ts";
import { networkPolicy } from "./kinds/network-policy.ts";
import { applyPatches } from "./patches/patches.ts";
import { podMonitor } from "./kinds/pod-monitor.ts";
import { refuseControlCharacters, refuseHiddenCharacters } from "./refuse.ts";
import type { Served } from "./served.ts";
import { rolloutOnly } from "./rollout-objects.ts";
import { route } from "./kinds/route.ts";
import { service } from "./kinds/service.ts";
import { serviceAccount } from "./kinds/service-account.ts";

/**
 * The objects that one release needs, in an order that they can be applied in, with the patches of
 * mlship.yaml in place. Equal input gives equal objects.
 *
 * Deployment, autoscaler, disruption budget and the list of the model's files are named after the
 * revision and live beside those of other revisions; the rest is named after the model and stays.
 * @throws MlshipError exit 2: `deploy.patch-*`, `cluster.replicas`, `cluster.control-character`,
 *   `cluster.too-many-files`, `cluster.store`.
 */
export function objectsOf(served: Served): Manifest[] {
  const own = [
    serviceAccount(served),
    networkPolicy(served),
    ...filesOfModel(served),
    deployment(served),
    autoscaler(served),
    disruptionBudget(served),
    service(served),
    ...podMonitor(served),
    ...route(served),
  ];
  for (const { object } of own) refuseControlCharacters(object);
  const patched = applyPatches([...own, ...rolloutOnly(served)], served.deploy.patches);
  for (const { object } of patched) refuseHiddenCharacters(object);
  return patched.filter(({ patchedByName }) => patchedByName !== true);
}
