// What somebody else did to a rollout's objects while it was driven, in words: who wrote it, and what to do.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Revision } from "../../rollout/ports.ts";
import { selectorOf } from "./fleet/stable-service.ts";
import type { KubeObject } from "./ports.ts";

const writersSchema = z
  .array(
    z.object({
      manager: z.string(),
      time: z.string().default(""),
      fieldsV1: z
        .looseObject({ "f:spec": z.looseObject({ "f:selector": z.unknown().optional() }).optional() })
        .optional(),
    }),
  )
  .catch([]);

const containersSchema = z.object({
  spec: z.object({ containers: z.array(z.object({ name: z.string(), image: z.string() })) }),
});

/** An image that a container of a pod is to run. */
export interface PodImage {
  pod: string;
  /** Of this container in this very pod. */
  key: string;
  image: string;
}

/** Images of all containers: those of a live pod can be exchanged, and its Job does not know. */
export function imagesIn(pods: readonly KubeObject[]): PodImage[] {
  return pods.flatMap((pod) => {
    const { name, uid = name } = pod.metadata;
    const { containers } = containersSchema.parse(pod).spec;
    return containers.map((each) => ({ pod: name, key: `${uid} ${each.name}`, image: each.image }));
  });
}

/** Who wrote a Service's selector last, as the API server keeps it; null when mlship did, or nobody knows. */
function selectorWriter({ metadata }: KubeObject): string | null {
  const writers = writersSchema
    .parse(metadata["managedFields"])
    .filter(({ fieldsV1 }) => fieldsV1?.["f:spec"]?.["f:selector"] !== undefined)
    .toSorted((a, b) => a.time.localeCompare(b.time));
  const last = writers.findLast(({ manager }) => manager !== "mlship");
  return last?.manager ?? null;
}

/** The error of a Service that leads elsewhere than the rollout has it. */
export function moved(name: string, service: KubeObject | null, stable: Revision): MlshipError {
  const writer = service === null ? null : selectorWriter(service);
  const by = writer === null ? "" : ` by ${writer}`;
  const selected = service === null ? [] : Object.entries(selectorOf(service));
  const leads = selected.map(([key, value]) => `${key}=${value}`).join(",");
  return new MlshipError({
    code: "rollout.moved",
    what: service === null ? `Service ${name} was removed` : `Service ${name} was changed${by} meanwhile`,
    why: `${stable.id} is stable in this rollout, the Service leads to ${leads || "nothing"}; mlship does not undo what another writer does again`,
    fix: "let nobody else write this Service, then run the command again: it begins with what serves then",
    exit: "attention",
  });
}

/** The error of a canary whose pod runs something else than the release. */
export function exchanged(pod: string, before: string, image: string): MlshipError {
  return new MlshipError({
    code: "rollout.moved",
    what: `the image of the canary's pod ${pod} was exchanged`,
    why: `it ran ${before} and now runs ${image}: what is measured is not the release`,
    fix: "deploy again, and leave the canary's pods alone",
    exit: "attention",
  });
}

/** The error of something that is taken away again and again. */
export function contested(said: string): MlshipError {
  return new MlshipError({
    code: "rollout.moved",
    what: "something else keeps changing what serves",
    why: `${said}, and was changed again`,
    fix: "find who does it (kubectl get with --show-managed-fields names the writers), then deploy again",
    exit: "attention",
  });
}
