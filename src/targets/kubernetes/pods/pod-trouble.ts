// Why a pod does not serve, from its status and the events about it: a pure function, no waiting.
import type { PodEvent } from "./pod-events.ts";
import { isReady, podStatus, type ContainerStatus, type PodStatus } from "./pod-status.ts";
import type { KubeObject } from "../ports.ts";

/** What keeps a pod from serving. */
export interface Trouble {
  /** The pod; null when none could even be made. */
  pod: string | null;
  /** The container whose log ends with the cause; null when none has run. */
  container: string | null;
  /** The container has been started again since: its last words are in the log before this one. */
  previous: boolean;
  /** One sentence without a full stop. */
  cause: string;
  /** The model's own doing, as against the cluster's: a gate failed, not a server missing. */
  blames: "model" | "cluster";
  /** Nothing but another release or a person changes it; otherwise it may pass within seconds. */
  isFinal: boolean;
}

/** Waiting reasons of the kubelet that mean a reference or a key is wrong. */
const misconfigured = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "InvalidImageName",
  "ErrImageNeverPull",
]);
/** What registries say of an image that will not be there a second later either. */
const goneForGood =
  /not found|manifest unknown|no such image|unauthorized|authentication required|denied|forbidden|no match for platform|invalid reference/i;
/** Events that say why a pod which has a node has no containers. */
const obstacles = new Set(["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume"]);
/** Events that say that a node is on its way: the cluster autoscaler's and Karpenter's. */
const nodeComing = new Set(["TriggeredScaleUp", "Nominated"]);
/** Ends of a container, of which one may be chance, that make a rule. */
const crashesThatCount = 2;

/**
 * What is wrong with a pod, or null when it serves, may still come up, or leaves on purpose.
 * @param events those about this pod, oldest first
 * @param crashes times that a container ended by itself from which that is trouble
 */
export function troubleOf(
  pod: KubeObject,
  events: readonly PodEvent[],
  crashes: number = crashesThatCount,
): Trouble | null {
  if (pod.metadata.deletionTimestamp !== undefined) return null;
  const status = podStatus(pod);
  const found =
    ofPod(status) ??
    ofContainers(status.initContainerStatuses, "init container ", events, crashes) ??
    ofContainers(status.containerStatuses, "container ", events, crashes) ??
    (isReady(pod) ? null : (unscheduled(status, events) ?? obstacle(status, events)));
  return found === null ? null : { ...found, pod: pod.metadata.name };
}

type Found = Omit<Trouble, "pod">;

function cluster(cause: string, isFinal: boolean): Found {
  return { container: null, previous: false, cause, blames: "cluster", isFinal };
}

/** Evicted, refused by the kubelet, or lost with its node: a new one takes its place if one can. */
function ofPod({ phase, reason, message }: PodStatus): Found | null {
  if (phase !== "Failed" || reason === "") return null;
  return cluster(`${reason}: ${oneLine(message)}`, false);
}

function unscheduled({ conditions }: PodStatus, events: readonly PodEvent[]): Found | null {
  const refusal = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (refusal === undefined || events.some(({ reason }) => nodeComing.has(reason))) return null;
  if (refusal.reason === "SchedulingGated") return cluster("a scheduling gate holds it back", false);
  return cluster(`no node takes it: ${oneLine(refusal.message)}`, false);
}

/** A volume that cannot be mounted, a network that cannot be set up. */
function obstacle({ containerStatuses }: PodStatus, events: readonly PodEvent[]): Found | null {
  if (containerStatuses.some(({ state }) => state.running !== undefined)) return null;
  const last = events.findLast(({ reason }) => obstacles.has(reason));
  return last === undefined ? null : cluster(`${last.reason}: ${oneLine(last.message)}`, false);
}

function ofContainers(
  containers: readonly ContainerStatus[],
  kind: string,
  events: readonly PodEvent[],
  crashes: number,
): Found | null {
  for (const each of containers) {
    const found = notStarted(each, kind) ?? ended(each, kind, events, crashes);
    if (found !== null) return found;
  }
  return null;
}

/** The image or the configuration does not allow a start. */
function notStarted({ name, state }: ContainerStatus, kind: string): Found | null {
  if (state.waiting === undefined) return null;
  const { reason, message } = state.waiting;
  const text = `${kind}${name}: ${reason}: ${oneLine(message)}`;
  if (misconfigured.has(reason)) return cluster(text, true);
  if (reason === "ErrImagePull" || reason === "ImagePullBackOff" || reason === "ImageInspectError") {
    return cluster(text, goneForGood.test(message));
  }
  return null;
}

/** It ran and ended: killed for memory once, or by itself more than once. */
function ended(
  container: ContainerStatus,
  kind: string,
  events: readonly PodEvent[],
  least: number,
): Found | null {
  const { name, state, lastState, restartCount } = container;
  const now = state.terminated;
  const end = now !== undefined && now.exitCode !== 0 ? now : lastState.terminated;
  if (end === undefined || (now !== undefined && now.exitCode === 0)) return null;
  const crashes = restartCount + (end === now ? 1 : 0);
  const isBackingOff = state.waiting?.reason === "CrashLoopBackOff";
  const isKilled = end.reason === "OOMKilled";
  if (!isKilled && !isBackingOff && crashes < least) return null;
  const times = crashes < 2 ? "" : ` ${crashes} times`;
  const cause = isKilled
    ? `${kind}${name} was killed for memory (OOMKilled)${times}`
    : `${kind}${name} ended by itself${times}${isBackingOff ? " (CrashLoopBackOff)" : ""}, last with exit code ${end.exitCode}${probed(events)}`;
  // A program that cannot be started at all leaves its reason in the message, and no log.
  const words = end.reason === "StartError" ? `: ${oneLine(end.message)}` : "";
  return {
    container: name,
    previous: state.terminated === undefined && restartCount > 0,
    cause: cause + words,
    blames: "model",
    isFinal: true,
  };
}

/** A container that the kubelet ended because of a probe looks as if it had ended by itself. */
function probed(events: readonly PodEvent[]): string {
  const killed = events.some(({ reason, message }) => reason === "Killing" && /probe/.test(message));
  const last = killed ? events.findLast(({ reason }) => reason === "Unhealthy") : undefined;
  return last === undefined ? "" : `, ended by the kubelet: ${oneLine(last.message)}`;
}

/**
 * Why pods that are wanted were not even made: quota, admission, a missing ServiceAccount. Null when
 * nothing refused them.
 * @param owners uids of the Job or ReplicaSets that should make them
 */
export function refusalOf(events: readonly PodEvent[], owners: readonly string[]): Trouble | null {
  const last = events.findLast(({ reason, uid }) => reason === "FailedCreate" && owners.includes(uid));
  if (last === undefined) return null;
  const cause = `its pods are refused: ${oneLine(last.message).replace(/^Error creating: /, "")}`;
  return { ...cluster(cause, true), pod: null };
}

/** Why a pod that runs is not ready, in the words of its last failed probe; null when none failed. */
export function unhealthyOf(events: readonly PodEvent[]): string | null {
  const last = events.findLast(({ reason }) => reason === "Unhealthy");
  return last === undefined ? null : oneLine(last.message);
}

function oneLine(text: string): string {
  // Other people's words go to a terminal: control characters must not.
  const plain = text
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  // What begins a message is where it came from; what ends it is the cause.
  return plain.length > 400 ? `${plain.slice(0, 140)} … ${plain.slice(-260)}` : plain;
}
