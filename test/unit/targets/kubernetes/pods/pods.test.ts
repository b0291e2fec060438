// Why pods do not serve: told from statuses and events that a real kubelet, scheduler and Job controller wrote.
import { readFileSync } from "node:fs";
import path from "node:path";
import { assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import { eventsOf, type PodEvent } from "../../../../../src/targets/kubernetes/pods/pod-events.ts";
import { isReady } from "../../../../../src/targets/kubernetes/pods/pod-status.ts";
import { refusalOf, troubleOf, unhealthyOf } from "../../../../../src/targets/kubernetes/pods/pod-trouble.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";

interface Recorded {
  moments: { seconds: number; pods: KubeObject[] }[];
  events: { items: { involvedObject: { kind: string; name: string; uid: string } }[] };
}
const recorded = JSON.parse(
  readFileSync(path.join(import.meta.dirname, "pods-recorded.json"), "utf8"),
) as Recorded;
const events = eventsOf(recorded.events);

/** What is said of a pod at a moment, with the events that were there at the end. */
function told(name: string, seconds: number) {
  const moment = recorded.moments.find((one) => one.seconds === seconds);
  const pod = moment?.pods.find(({ metadata }) => metadata.name === name);
  if (pod === undefined) throw new Error(`no pod ${name} at ${seconds} s`);
  return troubleOf(
    pod,
    events.filter(({ uid }) => uid === pod.metadata.uid),
  );
}

test.each([
  ["no-image", 3, "cluster", true, /ErrImagePull: .*not found/],
  ["no-image", 12, "cluster", true, /ImagePullBackOff: Back-off pulling image .*not found/],
  ["crash", 6, "model", true, /^container server ended by itself 2 times, last with exit code 3$/],
  ["oom", 6, "model", true, /^container server was killed for memory \(OOMKilled\)$/],
  ["no-config", 6, "cluster", true, /CreateContainerConfigError: configmap "absent" not found/],
  ["no-room", 3, "cluster", false, /^no node takes it: 0\/1 nodes are available: 1 Insufficient cpu/],
  [
    "bad-init",
    6,
    "model",
    true,
    /^init container fetch-model ended by itself \(CrashLoopBackOff\), last with exit code 5$/,
  ],
  ["no-mount", 6, "cluster", false, /^FailedMount: .*configmap "absent" not found/],
  ["bad-command", 6, "model", true, /exit code 128: .*"no-such-program": executable file not found/],
  [
    "slow",
    32,
    "model",
    true,
    /3 times, last with exit code 137, ended by the kubelet: Startup probe failed: .*refused/,
  ],
] as const)("%s after %i s", (name, seconds, blames, isFinal, cause) => {
  expect(told(name, seconds)).toMatchObject({ pod: name, blames, isFinal });
  expect(told(name, seconds)?.cause).toMatch(cause);
});

test("one crash may be chance, and a pod that is still starting is not in trouble", () => {
  expect(told("crash", 3)).toBeNull();
  expect(told("slow", 12)).toBeNull();
  expect(told("asleep", 32)).toBeNull();
});

test("the log that holds the last words is named", () => {
  expect(told("crash", 6)).toMatchObject({ container: "server", previous: false });
  expect(told("oom", 6)).toMatchObject({ container: "server", previous: true });
  expect(told("bad-init", 6)).toMatchObject({ container: "fetch-model", previous: true });
});

test("a pod that runs and is not ready is explained by its probe", () => {
  const asleep = recorded.moments.at(-1)?.pods.find(({ metadata }) => metadata.name === "asleep");
  const own = events.filter(({ uid }) => uid === asleep?.metadata.uid);
  expect(unhealthyOf(own)).toMatch(/^Readiness probe failed: .*connection refused$/);
});

test("pods that quota refuses are told by the owner's event, not by another's", () => {
  const job = recorded.events.items.find(({ involvedObject }) => involvedObject.name === "quota-job");
  const uid = job?.involvedObject.uid ?? "";
  expect(refusalOf(events, [uid])?.cause).toMatch(/^its pods are refused: pods .* exceeded quota: q,/);
  expect(refusalOf(events, ["another"])).toBeNull();
});

test("a pod on its way out is in no trouble, and not ready", () => {
  const crash = recorded.moments.at(-1)?.pods.find(({ metadata }) => metadata.name === "crash");
  if (crash === undefined) throw new Error("not recorded");
  const leaving = { ...crash, metadata: { ...crash.metadata, deletionTimestamp: "2026-11-21T08:25:40Z" } };
  expect(troubleOf(crash, [])).not.toBeNull();
  expect(troubleOf(leaving, [])).toBeNull();
  expect(isReady(leaving)).toBe(false);
});

test("a node that is on its way is waited for", () => {
  const pod = recorded.moments[0]?.pods.find(({ metadata }) => metadata.name === "no-room");
  if (pod === undefined) throw new Error("not recorded");
  const coming: PodEvent = { uid: "", reason: "TriggeredScaleUp", message: "1->2", at: 0 };
  expect(troubleOf(pod, [])).not.toBeNull();
  expect(troubleOf(pod, [coming])).toBeNull();
});

test("a registry that has a bad moment is waited for, an image that is not there is not", () => {
  const waiting = (message: string): KubeObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "one" },
    status: {
      phase: "Pending",
      containerStatuses: [{ name: "server", state: { waiting: { reason: "ErrImagePull", message } } }],
    },
  });
  expect(troubleOf(waiting("unexpected status: 503 Service Unavailable"), [])?.isFinal).toBe(false);
  expect(troubleOf(waiting("pull access denied"), [])?.isFinal).toBe(true);
});

test("other people's words reach a terminal without control characters, in one line, cut", () => {
  const unit = constantFrom(
    "a",
    " ",
    "\n",
    "\r",
    "\t",
    "\0",
    "\u001b[31m",
    "\u009b",
    "\u200e",
    "\u2028",
    "\u{1f600}",
    "é",
  );
  assert(
    property(string({ unit, maxLength: 1000 }), (message) => {
      const pod: KubeObject = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "one" },
        status: { phase: "Failed", reason: "Evicted", message },
      };
      const cause = troubleOf(pod, [])?.cause ?? "";
      expect(cause).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(cause.length).toBeLessThan(450);
    }),
  );
});
