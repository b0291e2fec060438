// What a pod asks of its namespace's quota.
import { z } from "zod";
import { quantityOf } from "../../../cluster/quantity.ts";

/** Amounts by the names that a ResourceQuota has for them: `requests.cpu`, `limits.memory`. */
export type Amounts = Map<string, number>;

const given = z.record(z.string(), z.union([z.string(), z.number()])).nullish();
const container = z.looseObject({
  resources: z.looseObject({ requests: given, limits: given }).nullish(),
  restartPolicy: z.string().nullish(),
});
const podSchema = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).nullish(),
  overhead: given,
});
type Container = z.infer<typeof container>;

/**
 * What one pod counts for. Init containers run one after the other and before the others, so only the
 * largest of them counts; one that always restarts is a sidecar, and runs beside them.
 * @param spec of the pod
 */
export function demandOf(spec: unknown): Amounts {
  const { containers, initContainers, overhead } = podSchema.parse(spec);
  const sidecars = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const first = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== "Always");
  const demand: Amounts = new Map([["pods", 1]]);
  for (const side of ["requests", "limits"] as const) {
    const running = sum([...containers, ...sidecars].map((one) => amounts(one, side)));
    const starting = first.map((one) =>
      sum([...sidecars.map((other) => amounts(other, side)), amounts(one, side)]),
    );
    const extra = new Map(
      Object.entries(overhead ?? {}).map(([name, text]) => [name, quantityOf(text) ?? 0]),
    );
    for (const name of new Set([running, ...starting].flatMap((one) => [...one.keys()]))) {
      const most = Math.max(running.get(name) ?? 0, ...starting.map((one) => one.get(name) ?? 0));
      demand.set(`${side}.${name}`, most + (extra.get(name) ?? 0));
    }
  }
  return demand;
}

/** `count` pods of this demand and what `more` asks. */
export function added(more: Amounts, demand: Amounts, count: number): Amounts {
  return sum([more, new Map([...demand].map(([name, amount]) => [name, amount * count]))]);
}

/** A request that is not given is as high as the limit. */
function amounts({ resources }: Container, side: "requests" | "limits"): Amounts {
  const limits = resources?.limits ?? {};
  const found = side === "limits" ? limits : { ...limits, ...resources?.requests };
  return new Map(Object.entries(found).map(([name, text]) => [name, quantityOf(text) ?? 0]));
}

function sum(all: readonly Amounts[]): Amounts {
  const total: Amounts = new Map();
  for (const one of all) for (const [name, amount] of one) total.set(name, (total.get(name) ?? 0) + amount);
  return total;
}
