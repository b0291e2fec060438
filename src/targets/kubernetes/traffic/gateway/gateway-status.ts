// What a Gateway says of an HTTPRoute: whether it took over the route as it is now.
import { z } from "zod";
import type { KubeObject } from "../../ports.ts";

const reference = z.object({
  group: z.string().default("gateway.networking.k8s.io"),
  kind: z.string().default("Gateway"),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: z.number().optional(),
});
type Reference = z.infer<typeof reference>;

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
  observedGeneration: z.number().default(0),
});

const parents = z.array(z.object({ parentRef: reference, conditions: z.array(condition).default([]) }));
const routeSchema = z.object({
  spec: z.object({ parentRefs: z.array(reference).default([]) }),
  status: z.object({ parents: parents.default([]) }).default({ parents: [] }),
});

/** Conditions that must hold before a route can be trusted (Gateway API, `RouteConditionType`). */
const needed = ["Accepted", "ResolvedRefs"];

/** Where a route stands with its Gateways. */
export interface Standing {
  /** All its Gateways took over the route as it is now. */
  accepted: boolean;
  /** What stands in the way, in words; null when it is accepted. */
  why: string | null;
}

/** Reads the route's status. A Gateway that saw an older generation has not taken over this one. */
export function standingOf(route: KubeObject): Standing {
  const { spec, status } = routeSchema.parse(route);
  const { name, namespace, generation = 0 } = route.metadata;
  if (spec.parentRefs.length === 0) return refused(`HTTPRoute ${name} names no Gateway`);
  for (const asked of spec.parentRefs) {
    const gateway = `${asked.kind} ${asked.namespace ?? namespace ?? ""}/${asked.name}`;
    const answers = status.parents.filter(({ parentRef }) => isSame(parentRef, asked, namespace));
    if (answers.length === 0) return refused(`no controller speaks for ${gateway}`);
    for (const type of needed) {
      const found = answers.flatMap(({ conditions }) => conditions.filter((each) => each.type === type));
      const no = found.find(({ status: is }) => is !== "True");
      if (no !== undefined)
        return refused(`${gateway} says ${type}: ${no.status} ${no.reason} ${no.message}`);
      if (found.length === 0) return refused(`${gateway} does not say ${type}`);
      const old = found.find(({ observedGeneration }) => observedGeneration < generation);
      if (old !== undefined) {
        return refused(
          `${gateway} knows generation ${old.observedGeneration} of HTTPRoute ${name}, which is at ${generation}`,
        );
      }
    }
  }
  return { accepted: true, why: null };
}

function refused(why: string): Standing {
  return { accepted: false, why: why.trim() };
}

function isSame(one: Reference, other: Reference, own: string | undefined): boolean {
  const place = ({ namespace }: Reference) => namespace ?? own;
  return (
    one.group === other.group &&
    one.kind === other.kind &&
    one.name === other.name &&
    place(one) === place(other) &&
    one.sectionName === other.sectionName &&
    one.port === other.port
  );
}
