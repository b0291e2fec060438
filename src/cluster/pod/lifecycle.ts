// How long a server may take to start, to answer and to end, in seconds.
import type { Served } from "../served.ts";

/**
 * A pod leaves the endpoints and gets SIGTERM at the same moment. Requests still arrive until every
 * node's proxy has heard of it, which takes seconds: the server is told to end only after this.
 */
const sleepSeconds = 10;
/** What a server gives its last requests, as `mlship_server/limits.py` has it. */
const leastDrainSeconds = 10;
/** For the interpreter to end, and for the kubelet to notice. */
const marginSeconds = 5;
/** How often the startup probe asks. */
const startupPeriod = 2;
/** The most that pulling an image may take before a rollout counts as stuck. */
const pullSeconds = 300;

export interface Lifecycle {
  /** Time that a prediction may take. */
  timeout: number;
  /** Between the pod's removal from the endpoints and SIGTERM. */
  sleep: number;
  /** Between SIGTERM and the last answer. */
  drain: number;
  /** Between the pod's removal and SIGKILL. */
  grace: number;
  startup: { period: number; failures: number };
  /** Time without progress after which Kubernetes calls the Deployment stuck. */
  progressDeadline: number;
  /** Time that a new pod must stay ready before it counts. */
  minReady: number;
}

/** The times of a server, from its configuration. */
export function lifecycleOf({ serve, deploy }: Served): Lifecycle {
  const timeout = serve.timeoutMs / 1000;
  const drain = Math.max(leastDrainSeconds, Math.ceil(timeout) + 1);
  const start = Math.ceil(deploy.canary.startTimeoutMs / 1000);
  const minReady = 5;
  return {
    timeout,
    sleep: sleepSeconds,
    drain,
    grace: sleepSeconds + drain + Math.ceil(timeout) + marginSeconds,
    startup: { period: startupPeriod, failures: Math.max(1, Math.ceil(start / startupPeriod)) },
    progressDeadline: pullSeconds + start + minReady,
    minReady,
  };
}
