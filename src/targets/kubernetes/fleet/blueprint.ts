// A served document as the objects of a rollout, in the shape in which the API server is asked for them.
import { z } from "zod";
import { replicasOf } from "../../../cluster/kinds/autoscaler.ts";
import type { KubernetesObject } from "../../../cluster/manifest.ts";
import { noInstance } from "../../../cluster/names.ts";
import * as objects from "../../../cluster/rollout-objects.ts";
import type { RouterParts } from "../../../cluster/router/router-objects.ts";
import type { Served } from "../../../cluster/served.ts";
import { usersSelector as selectorFor } from "../../../cluster/kinds/services.ts";
import type { KubeObject } from "../ports.ts";

const texts = z.record(z.string(), z.string()).optional();
const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), labels: texts, annotations: texts }),
});

/** Servers that a full set has at least. */
export function leastOf(served: Served): number {
  return replicasOf(served).min;
}

/** Accounts, policies, routes: what stays from version to version, without Services and router. */
export function baseOf(served: Served): KubeObject[] {
  return objects.baseObjectsOf(served).map(asKubeObject);
}

/** What the pods of canary and full set need before they start. */
export function filesOf(served: Served): KubeObject[] {
  return objects.filesOf(served).map(asKubeObject);
}

/** What belongs to the revision alone: list of files, Deployment, disruption budget, autoscaler. */
export function fullSetOf(served: Served): KubeObject[] {
  return objects.fullSetOf(served).map(asKubeObject);
}

/** The users' Service. @param place the channel it belongs to, and what is stable now */
export function usersServiceOf(
  served: Served,
  place: { channel: string; stable: string | null },
): KubeObject {
  return asKubeObject(objects.usersServiceOf(served, place));
}

/** What the users' Service selects while a revision is stable. */
export function usersSelector(served: Served, stable: string | null): Record<string, string> {
  return selectorFor(served, stable ?? noInstance);
}

/** `S-stable`, which leads nowhere at first. */
export function stableServiceOf(served: Served): KubeObject {
  return asKubeObject(objects.stableServiceOf(served));
}

/** `S-canary`, which leads nowhere at first. */
export function canaryServiceOf(served: Served): KubeObject {
  return asKubeObject(objects.canaryServiceOf(served));
}

/** The router's objects. @param parts addresses of both sides, and its image with a digest */
export function routerOf(served: Served, parts: RouterParts): KubeObject[] {
  return objects.routerObjectsOf(served, parts).map(asKubeObject);
}

/**
 * The Job that tries a revision out, with as many pods as its largest share needs.
 * @param size servers that stable has; seconds after the Job's start that its pods live
 */
export function canaryJobOf(
  served: Served,
  { stable, deadlineSeconds }: { stable: number; deadlineSeconds: number },
): KubeObject {
  return asKubeObject(objects.canaryJobOf(served, { pods: canaryPods(served, stable), deadlineSeconds }));
}

/** Pods that carry the largest share as stable's pods carry theirs; behind a bare Service they make the share. */
export function canaryPods({ deploy }: Pick<Served, "deploy">, stable: number): number {
  const largest = Math.max(0, ...deploy.canary.steps) / 100;
  const ratio = deploy.canary.split === "replicas" ? largest / Math.max(0.01, 1 - largest) : largest;
  return Math.max(1, Math.ceil(stable * ratio - 1e-9));
}

function asKubeObject(object: KubernetesObject): KubeObject {
  const { metadata, ...rest } = objectSchema.parse(object);
  const { name, namespace, labels, annotations } = metadata;
  return {
    ...rest,
    metadata: { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }) },
  };
}
