// Which of the three ways of splitting traffic a model uses, put together from its parts.
import { namesOf } from "../../../cluster/names.ts";
import type { Served } from "../../../cluster/served.ts";
import type { Traffic } from "../../../rollout/ports.ts";
import type { CanaryFuse } from "../fleet/canary-fuse.ts";
import type { Fence } from "../lock/fence.ts";
import { GatewayCounts } from "./gateway/gateway-counts.ts";
import { Guardian } from "./gateway/gateway-guardian.ts";
import { GatewayFuse } from "./gateway/gateway-fuse.ts";
import { checkGateway } from "./gateway/gateway-preflight.ts";
import { GatewayRoutes } from "./gateway/gateway-routes.ts";
import { GatewayTraffic } from "./gateway/gateway-traffic.ts";
import { PodCounters } from "./pod-counters.ts";
import type { Cluster } from "../ports.ts";
import { ReplicasTraffic } from "./replicas/replicas-traffic.ts";
import { RouterTraffic } from "./router/router-traffic.ts";

/** A way of splitting traffic. */
export interface Split {
  traffic: Traffic;
  /** Share of the canary as it is in force, 0 to 1. */
  share(): Promise<number>;
  /** Shares that it can give now, 0 to 1 and rising; null when it can give any. */
  reachable(): Promise<number[] | null>;
  /** What would make the split impossible, found before anything is changed. Throws it. */
  check(): Promise<void>;
}

/** What a split works with. */
export interface SplitParts {
  name: string;
  cluster: Cluster;
  fence: Fence;
  fuse: CanaryFuse;
  /** Whether mlship brings an HTTPRoute of its own, where a Gateway splits. */
  bringsRoute: boolean;
  /** Milliseconds that more pods of the canary may take to become ready. */
  readyWithinMs: number;
}

/** The split that mlship.yaml names. */
export function splitOf(kind: Served["deploy"]["canary"]["split"], parts: SplitParts): Split {
  const counters = new PodCounters(parts.cluster);
  if (kind === "gateway") return gatewaySplit(parts, counters);
  const { name, cluster, fence, fuse, readyWithinMs } = parts;
  const own = { name, cluster, fence, fuse, counters };
  // What these two need is made by mlship itself.
  const check = () => Promise.resolve();
  if (kind === "router") {
    const traffic = new RouterTraffic(own);
    return { traffic, share: () => traffic.share(), reachable: anyShare, check };
  }
  const traffic = new ReplicasTraffic({ ...own, readyWithinMs });
  return { traffic, share: () => traffic.share(), reachable: () => traffic.reachable(), check };
}

const anyShare = () => Promise.resolve(null);

function gatewaySplit({ name, cluster, fence, fuse, bringsRoute }: SplitParts, counters: PodCounters): Split {
  const { users, stable, canary } = namesOf(name);
  const backends = { users, stable, canary };
  const routes = new GatewayRoutes(cluster, fence, backends);
  const traffic = new GatewayTraffic({
    name,
    cluster,
    fence,
    routes,
    guardian: new Guardian(cluster, fence, name),
    fuse: new GatewayFuse(cluster, fence, fuse),
    counts: new GatewayCounts(cluster, counters, name),
  });
  return {
    traffic,
    share: () => routes.share(),
    reachable: anyShare,
    check: () => checkGateway(cluster, backends, bringsRoute),
  };
}
