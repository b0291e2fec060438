// The Service `S-stable`: its selector is the truth about which revision is stable, and one write changes it.
import { z } from "zod";
import { instanceSelector, noInstance, previousAnnotation } from "../../../cluster/names.ts";
import type { KubeObject } from "../ports.ts";

const serviceSchema = z.object({
  spec: z
    .object({
      selector: z.record(z.string(), z.string()).nullish(),
      clusterIP: z.string().nullish(),
    })
    .prefault({}),
});

/** Which revision a Service of the model reaches; null when it is to reach none. */
export function instanceOf(service: KubeObject | null): string | null {
  if (service === null) return null;
  const instance = selectorOf(service)["app.kubernetes.io/instance"] ?? noInstance;
  return instance === noInstance ? null : instance;
}

/** The revision that was stable before and is warm still, as `S-stable` remembers it. */
export function previousOf(service: KubeObject | null): string | null {
  return service?.metadata.annotations?.[previousAnnotation] ?? null;
}

/** What a Service selects. */
export function selectorOf(service: KubeObject): Record<string, string> {
  return serviceSchema.parse(service).spec.selector ?? {};
}

/** The address of a Service inside the cluster; null while it has none. */
export function addressOf(service: KubeObject): string | null {
  const ip = serviceSchema.parse(service).spec.clusterIP ?? "";
  return ip === "" || ip === "None" ? null : ip;
}

/** The Service with another selector; all else as it is. Null when it selects this already. */
export function select(service: KubeObject, selector: Record<string, string>): KubeObject | null {
  const now = selectorOf(service);
  const keys = new Set([...Object.keys(now), ...Object.keys(selector)]);
  if ([...keys].every((key) => now[key] === selector[key])) return null;
  return { ...service, spec: { ...z.looseObject({}).parse(service["spec"]), selector } };
}

/**
 * `S-stable` with this revision as stable, and the one before remembered. Null when it is so
 * already: a promotion that is repeated must not forget the revision before.
 */
export function withStable(service: KubeObject, name: string, revision: string): KubeObject | null {
  const before = instanceOf(service);
  const pointed = select(service, instanceSelector(name, revision));
  return pointed === null ? null : withPrevious(pointed, before === revision ? null : before);
}

/** `S-stable` with another memory of the revision before; null forgets it. */
export function withPrevious(service: KubeObject, previous: string | null): KubeObject {
  const { [previousAnnotation]: _, ...annotations } = service.metadata.annotations ?? {};
  const kept = previous === null ? annotations : { ...annotations, [previousAnnotation]: previous };
  return { ...service, metadata: { ...service.metadata, annotations: kept } };
}
