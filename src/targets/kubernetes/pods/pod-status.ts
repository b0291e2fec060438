// What is read of a pod: the parts of its status that tell whether and why it does not serve.
import { z } from "zod";
import type { KubeObject } from "../ports.ts";

const ended = z.object({
  exitCode: z.number(),
  reason: z.string().default(""),
  message: z.string().default(""),
});

const state = z.object({
  waiting: z.object({ reason: z.string().default(""), message: z.string().default("") }).optional(),
  running: z.object({ startedAt: z.string().nullish() }).optional(),
  terminated: ended.optional(),
});

const container = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  started: z.boolean().nullish(),
  restartCount: z.number().default(0),
  state: state.default({}),
  lastState: state.default({}),
});

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});

const podSchema = z.object({
  status: z
    .object({
      phase: z.string().default("Pending"),
      reason: z.string().default(""),
      message: z.string().default(""),
      podIP: z.string().optional(),
      conditions: z.array(condition).default([]),
      containerStatuses: z.array(container).default([]),
      initContainerStatuses: z.array(container).default([]),
    })
    .prefault({}),
});

/** One container of a pod. */
export type ContainerStatus = z.infer<typeof container>;
/** The status of a pod, with what the API server left out filled in. */
export type PodStatus = z.infer<typeof podSchema>["status"];

/** The status of a pod as the API server gives it. */
export function podStatus(pod: KubeObject): PodStatus {
  return podSchema.parse(pod).status;
}

/** Whether a pod takes requests: ready, and not on its way out. */
export function isReady(pod: KubeObject): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  return podStatus(pod).conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** Whether a pod still belongs to the set that is meant to serve: it neither ended nor leaves. */
export function isAlive(pod: KubeObject): boolean {
  const { phase } = podStatus(pod);
  return pod.metadata.deletionTimestamp === undefined && phase !== "Succeeded" && phase !== "Failed";
}
