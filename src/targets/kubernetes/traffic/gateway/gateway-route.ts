// An HTTPRoute lent to a rollout: the model's Service becomes two backends with weights, and one again.
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { JsonValue } from "../../../../config/kubernetes-keys.ts";
import { MlshipError } from "../../../../errors.ts";
import type { KubeObject } from "../../ports.ts";

/** Original of a lent route, as JSON: `{"spec": …, "managedFields": […]}`. There only while it is lent. */
export const borrowedAnnotation = "mlship.dev/borrowed";

/** Largest weight that the Gateway API takes. */
const heaviest = 1_000_000;
/** Parts that a weight is cut into, coarsest first: as few as the share needs, for people who read the route. */
const grains = [100, 1_000, 10_000];

const backend = z.looseObject({
  group: z.string().optional(),
  kind: z.string().optional(),
  name: z.string(),
  namespace: z.string().optional(),
  weight: z.number().optional(),
});
const ruleSchema = z.looseObject({ backendRefs: z.array(backend).optional() });
const specSchema = z.looseObject({ rules: z.array(ruleSchema).optional() });
/** Who owns which fields: kept as it is, never read but for whether it is of the status. */
const fieldsSchema = z.record(z.string(), z.json());
const originalSchema = z.object({ spec: specSchema, managedFields: z.array(fieldsSchema).optional() });

type Fields = z.infer<typeof fieldsSchema>;
type Backend = z.infer<typeof backend>;
type Rule = z.infer<typeof ruleSchema>;
type Spec = z.infer<typeof specSchema>;

/** Names of the Services that a route of the model can lead to. */
export interface Backends {
  /** The address that routes name when no rollout runs. */
  users: string;
  stable: string;
  canary: string;
}

/** A route as it was before it was lent. */
export interface Original {
  spec: Spec;
  managedFields?: Fields[] | undefined;
}

/** Whether a route leads to the model: now, or before it was lent. */
export function leadsTo(route: KubeObject, { users, stable, canary }: Backends): boolean {
  const names = [users, stable, canary];
  return rulesOf(route).some((rule) => entries(rule).some((entry) => isOne(entry, names)));
}

/** Whether a rollout has the route now. */
export function isLent(route: KubeObject): boolean {
  return route.metadata.annotations?.[borrowedAnnotation] !== undefined;
}

/** Share of requests that the route sends to the canary, 0 to 1; the largest of its rules. */
export function shareOf(route: KubeObject, backends: Backends): number {
  const shares = rulesOf(route).map((rule) => {
    const weightOf = (name: string) =>
      entries(rule)
        .filter((entry) => isOne(entry, [name]))
        .reduce((sum, entry) => sum + weight(entry), 0);
    const canary = weightOf(backends.canary);
    return canary === 0 ? 0 : canary / (canary + weightOf(backends.stable) + weightOf(backends.users));
  });
  return Math.max(0, ...shares);
}

/**
 * The route with `share` (0 to 1) of what went to the model going to its canary. Other backends keep
 * their proportion. The original goes into an annotation, unless it is there.
 * @throws MlshipError `gateway.share`, exit 2, when no weights make that share.
 */
export function lend(route: KubeObject, backends: Backends, share: number): KubeObject {
  const original = originalOf(route) ?? { spec: specOf(route), managedFields: fieldsOf(route) };
  const spec = specOf(isLent(route) ? giveBack(route, backends) : route);
  const rules = (spec.rules ?? []).map((rule) => lendRule(rule, backends, share));
  const annotations = { ...route.metadata.annotations, [borrowedAnnotation]: JSON.stringify(original) };
  return { ...route, metadata: { ...route.metadata, annotations }, spec: { ...spec, rules } };
}

/**
 * The route with the backends that it had. Exactly the original where nobody changed it meanwhile;
 * what somebody did change, other than these backends, stays as they made it. The annotation stays.
 */
export function giveBack(route: KubeObject, backends: Backends): KubeObject {
  const spec = specOf(route);
  const before = originalOf(route)?.spec.rules ?? [];
  const rules = (spec.rules ?? []).map((rule, index) => giveBackRule(rule, index, before, backends));
  return { ...route, spec: { ...spec, ...(spec.rules && { rules }) } };
}

/**
 * JSON merge patch that takes mlship's traces off a route that was given back: its annotations, and
 * its place among the owners of fields, so that whoever applies the route meets no conflict. The
 * status belongs to the Gateway, as it is now.
 */
export function forgetting(route: KubeObject, epochAnnotation: string): { [key: string]: JsonValue } {
  const original = originalOf(route);
  const ofStatus = fieldsOf(route).filter((entry) => entry["subresource"] === "status");
  const earlier = (original?.managedFields ?? []).filter((entry) => entry["subresource"] !== "status");
  const { resourceVersion } = route.metadata;
  return {
    metadata: {
      ...(resourceVersion && { resourceVersion }),
      annotations: { [borrowedAnnotation]: null, [epochAnnotation]: null },
      ...(earlier.length > 0 && { managedFields: [...earlier, ...ofStatus] }),
    },
  };
}

/** The route before it was lent; null when it is not. */
export function originalOf(route: KubeObject): Original | null {
  const text = route.metadata.annotations?.[borrowedAnnotation];
  if (text === undefined) return null;
  try {
    return originalSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MlshipError({
      code: "gateway.original",
      what: `what HTTPRoute ${route.metadata.name} was before the rollout cannot be read`,
      why: `its annotation ${borrowedAnnotation} was changed by something else`,
      fix: `put the backends of the route back by hand, then remove the annotation ${borrowedAnnotation}`,
      exit: "attention",
      cause,
    });
  }
}

function lendRule(rule: Rule, backends: Backends, share: number): Rule {
  const mine = entries(rule).filter((entry) => isOne(entry, [backends.users]));
  if (mine.length === 0) return rule;
  // A weight alone in its rule has no meaning, so the two that replace it need none of it.
  const scale = entries(rule).length === 1 ? 0 : Math.max(...entries(rule).map(weight));
  const parts = partsFor(share, scale);
  const toCanary = Math.round(share * parts);
  const backendRefs = entries(rule).flatMap((entry) => {
    if (!mine.includes(entry)) return [{ ...entry, weight: weight(entry) * parts }];
    const unit = scale === 0 ? 1 : weight(entry);
    return [
      { ...entry, name: backends.stable, weight: unit * (parts - toCanary) },
      { ...entry, name: backends.canary, weight: unit * toCanary },
    ];
  });
  return { ...rule, backendRefs };
}

/** Parts that make the share exactly, else the most that fit and come within a tenth of it. */
function partsFor(share: number, scale: number): number {
  const fitting = grains.filter((grain) => grain * Math.max(1, scale) <= heaviest);
  const error = (grain: number) => Math.abs(Math.round(share * grain) / grain - share);
  const parts = fitting.find((grain) => error(grain) < 1e-9) ?? fitting.at(-1);
  if (parts !== undefined && error(parts) <= share / 10) return parts;
  throw new MlshipError({
    code: "gateway.share",
    what: `no weights of an HTTPRoute make ${share * 100} % of the traffic`,
    why:
      parts === undefined
        ? `the route has a backend of weight ${scale}, and no weight may be above ${heaviest}`
        : `beside the route's other weights shares come in steps of ${100 / parts} %`,
    fix:
      parts === undefined
        ? "divide the weights of the route by a common number"
        : `choose \`deploy.canary.steps\` among multiples of ${100 / parts}, or divide the route's weights by a common number`,
    exit: "usage",
  });
}

function giveBackRule(rule: Rule, index: number, before: Rule[], backends: Backends): Rule {
  const lent = entries(rule);
  if (!lent.some((entry) => isOne(entry, [backends.stable, backends.canary]))) return rule;
  const shape = shapeOf(lent, backends);
  const matches = (other: Rule) => isDeepStrictEqual(shapeOf(entries(other), backends), shape);
  const own = before[index];
  const original = own !== undefined && matches(own) ? own : before.find(matches);
  if (original?.backendRefs !== undefined) return { ...rule, backendRefs: original.backendRefs };
  const backendRefs = lent
    .filter((entry) => !isOne(entry, [backends.canary]))
    .map((entry) => (isOne(entry, [backends.stable]) ? { ...entry, name: backends.users } : entry));
  return { ...rule, backendRefs };
}

/** Backends as they are without a rollout, and without weights. */
function shapeOf(list: Backend[], { users, stable, canary }: Backends): object[] {
  return list
    .filter((entry) => !isOne(entry, [canary]))
    .map((entry) => ({ ...(isOne(entry, [stable]) ? { ...entry, name: users } : entry), weight: 0 }));
}

function isOne({ group = "", kind = "Service", name }: Backend, names: string[]): boolean {
  return group === "" && kind === "Service" && names.includes(name);
}

function weight(entry: Backend): number {
  return entry.weight ?? 1;
}

function entries(rule: Rule): Backend[] {
  return rule.backendRefs ?? [];
}

function rulesOf(route: KubeObject): Rule[] {
  return specOf(route).rules ?? [];
}

function specOf({ spec }: KubeObject): Spec {
  return specSchema.parse(spec ?? {});
}

function fieldsOf({ metadata }: KubeObject): Fields[] {
  return z.array(fieldsSchema).optional().parse(metadata["managedFields"]) ?? [];
}
