// A cluster in memory: an API server, the controllers that turn Deployments and Jobs into pods, a router and its
// users. It checks at every change what must always hold.
import { namesOf } from "../../../../src/cluster/names.ts";
import type { Counts, Measurement } from "../../../../src/rollout/ports.ts";
import { isReady } from "../../../../src/targets/kubernetes/pods/pod-status.ts";
import type { KubeObject } from "../../../../src/targets/kubernetes/ports.ts";
import { FakeServer, type Write } from "./fake-api.ts";

/** Milliseconds until a pod is ready. */
const startMs = 1500;
/** Seconds that a canary may live without its driver, and one for rounding. */
const longestFuse = 31;
const rps = 400;
const controlled = new Set(["Service", "HorizontalPodAutoscaler", "Deployment", "Job", "Pod"]);

interface Spec {
  replicas?: number;
  minReplicas?: number;
  parallelism?: number;
  activeDeadlineSeconds?: number;
  selector?: Record<string, string>;
  template?: { metadata?: { labels?: Record<string, string> }; spec?: object };
  scaleTargetRef?: { name: string };
  holderIdentity?: string;
  leaseTransitions?: number;
}
interface Status {
  startTime?: string;
  conditions?: { type: string; status: string; reason?: string }[];
}

const specOf = (object: KubeObject | null) => (object?.["spec"] ?? {}) as Spec;
const statusOf = (object: KubeObject | null) => (object?.["status"] ?? {}) as Status;

/** One model's cluster. */
export class FakeCluster {
  readonly server = new FakeServer();
  /** What must never be so, and was. */
  readonly broken: string[] = [];
  /** Servers that stable must never have fewer of, once it had them. */
  readonly baseline: number;
  /** Share of a revision's requests that fail, by revision. */
  readonly errors = new Map<string, number>();
  /** The router's weight for the canary, 0 to 1. */
  share = 0;
  readonly #names: ReturnType<typeof namesOf>;
  readonly #timed = new Set<string>();
  #isSettled = false;
  #isBusy = false;
  #flowedAt = 0;
  #restarts = 0;
  readonly #counts = { stable: none(), canary: none(), rescued: 0, failed: 0 };

  constructor(name: string, baseline: number) {
    this.#names = namesOf(name);
    this.baseline = baseline;
    this.server.onChange = (kind) => {
      if (controlled.has(kind)) this.#control();
    };
    this.server.answer = (path, body) => this.#answer(path, body);
  }

  /** What the router has set and counted. */
  measure(): Measurement {
    this.#flow();
    const whole = ({ requests, errors }: Counts) => ({
      requests: Math.floor(requests),
      errors: Math.floor(errors),
    });
    const { stable, canary, rescued, failed } = this.#counts;
    return {
      at: this.server.clock.monotonic(),
      era: String(this.#restarts),
      share: this.share,
      stable: whole(stable),
      canary: whole(canary),
      rescued: Math.floor(rescued),
      failed: Math.floor(failed),
      ready: { stable: this.#readyOf("stable").length, canary: this.#readyOf("canary").length },
      trouble: null,
      served: null,
    };
  }

  /** Sets the router's weight. */
  weigh(share: number): void {
    this.#flow();
    this.share = share;
    this.#check();
  }

  /** Called after each write of a driver: it must be the lock's holder's. */
  admit({ kind, name, verb }: Write, holder: string): void {
    const lease = specOf(this.server.get("Lease", this.#names.rollout));
    if (kind === "Lease" || kind === "Event" || name === this.#names.wish) return;
    if (lease.holderIdentity !== holder)
      this.broken.push(`${verb} ${kind} ${name} by ${holder} without the lock`);
    const epoch = this.server.get(kind, name)?.metadata.annotations?.["mlship.dev/epoch"];
    if (epoch !== undefined && Number(epoch) !== lease.leaseTransitions) {
      this.broken.push(`${kind} ${name} has epoch ${epoch}, the lock ${lease.leaseTransitions ?? 0}`);
    }
  }

  /** What is left besides stable, in words; empty when a rollout cleaned up after itself. */
  leftovers(): string[] {
    const stable = this.selected("stable");
    const others = this.server.look("Deployment", "app.kubernetes.io/component=model-server");
    return [
      ...this.server.look("Job").map(({ metadata }) => `Job ${metadata.name}`),
      ...others
        .filter(({ metadata }) => metadata.name !== stable)
        .map(({ metadata }) => `Deployment ${metadata.name}`),
      ...(this.share > 0 ? [`share ${this.share}`] : []),
      ...(this.selected("canary") === "none"
        ? []
        : [`S-canary leads to ${this.selected("canary") ?? "nothing"}`]),
    ];
  }

  /** The instance that one of both Services leads to. */
  selected(side: "stable" | "canary"): string | null {
    return (
      specOf(this.server.get("Service", this.#names[side])).selector?.["app.kubernetes.io/instance"] ?? null
    );
  }

  #readyOf(side: "stable" | "canary"): KubeObject[] {
    const instance = this.selected(side);
    return instance === null
      ? []
      : this.server.look("Pod", `app.kubernetes.io/instance=${instance}`).filter(isReady);
  }

  /** Lets the requests since the last look happen. */
  #flow(): void {
    const now = this.server.clock.monotonic();
    const requests = ((now - this.#flowedAt) / 1000) * rps;
    this.#flowedAt = now;
    const [stable, canary] = [this.#readyOf("stable"), this.#readyOf("canary")];
    if (stable.length === 0) return;
    const tried = canary.length === 0 ? 0 : requests * this.share;
    const failed = tried * this.#errorsOf(canary);
    this.#counts.canary.requests += tried;
    this.#counts.canary.errors += failed;
    this.#counts.rescued += failed;
    const rest = requests - tried + failed;
    this.#counts.stable.requests += rest;
    this.#counts.stable.errors += rest * this.#errorsOf(stable);
    this.#counts.failed += rest * this.#errorsOf(stable);
  }

  #errorsOf([pod]: KubeObject[]): number {
    const instance = pod?.metadata.labels?.["app.kubernetes.io/instance"] ?? "";
    return this.errors.get(instance.replace(/-canary$/, "")) ?? 0;
  }

  /** What must hold at every instant. */
  #check(): void {
    const ready = this.#readyOf("stable").length;
    const at = `at ${this.server.clock.monotonic()} ms`;
    if (ready >= this.baseline) this.#isSettled = true;
    else if (this.#isSettled)
      this.broken.push(`stable ${this.selected("stable") ?? "none"} has ${ready} servers ${at}`);
    for (const job of this.server.look("Job")) {
      const elapsed = (this.server.now() - Date.parse(statusOf(job).startTime ?? "")) / 1000;
      const deadline = specOf(job).activeDeadlineSeconds;
      if (deadline === undefined || deadline > elapsed + longestFuse)
        this.broken.push(
          `Job ${job.metadata.name} has a fuse of ${deadline ?? 0} s after ${elapsed} s ${at}`,
        );
    }
    const users = specOf(this.server.get("Service", this.#names.users)).selector;
    const [label = "", value = ""] = Object.entries(users ?? {})[0] ?? [];
    if (this.#isSettled && !this.server.look("Pod", `${label}=${value}`).some(isReady))
      this.broken.push(`the users' Service reaches nobody ${at}`);
  }

  /** Plays the controllers until nothing changes any more. */
  #control(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      this.#flow();
      for (let before = -1; before !== this.server.version;) {
        before = this.server.version;
        for (const scaler of this.server.look("HorizontalPodAutoscaler")) this.#autoscale(scaler);
        for (const deployment of this.server.look("Deployment")) this.#deploy(deployment);
        for (const job of this.server.look("Job")) this.#work(job);
      }
      this.#check();
    } finally {
      this.#isBusy = false;
    }
  }

  #autoscale(scaler: KubeObject): void {
    const { minReplicas = 1, scaleTargetRef } = specOf(scaler);
    this.server.edit("Deployment", scaleTargetRef?.name ?? "", (deployment) => {
      const spec = deployment["spec"] as Spec;
      spec.replicas = Math.max(spec.replicas ?? 1, minReplicas);
    });
  }

  #deploy(deployment: KubeObject): void {
    const { replicas = 1 } = specOf(deployment);
    const ready = this.#hasPods(deployment, replicas).filter(isReady).length;
    this.server.edit("Deployment", deployment.metadata.name, (now) => {
      const observedGeneration = now.metadata.generation;
      now["status"] = { observedGeneration, replicas, updatedReplicas: replicas, readyReplicas: ready };
    });
  }

  #work(job: KubeObject): void {
    const { name } = job.metadata;
    const started = statusOf(job).startTime ?? new Date(this.server.now()).toISOString();
    if (statusOf(job).startTime === undefined) {
      this.server.edit("Job", name, (now) => (now["status"] = { startTime: started }));
    }
    if (statusOf(job).conditions !== undefined) return;
    const left = Date.parse(started) + (specOf(job).activeDeadlineSeconds ?? 0) * 1000 - this.server.now();
    if (left > 0) {
      this.#hasPods(job, specOf(job).parallelism ?? 1);
      this.#later(`${job.metadata.uid ?? ""} ${left + this.server.now()}`, left);
      return;
    }
    const burnt = { type: "Failed", status: "True", reason: "DeadlineExceeded" };
    this.server.edit("Job", name, (now) => (now["status"] = { startTime: started, conditions: [burnt] }));
    this.#hasPods(job, 0);
  }

  /** As many pods as wanted; those that are too many go at once. */
  #hasPods(owner: KubeObject, wanted: number): KubeObject[] {
    const { name, uid } = owner.metadata;
    const isOwn = (pod: KubeObject) =>
      (pod.metadata["ownerReferences"] as unknown as { uid: string }[])[0]?.uid === uid;
    const own = this.server.look("Pod").filter(isOwn);
    for (const pod of own.slice(wanted)) this.server.drop("Pod", pod.metadata.name);
    for (let index = own.length; index < wanted; index += 1) {
      this.#restarts += 1;
      const pod = this.server.set({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `${name}-${this.#restarts}`,
          labels: specOf(owner).template?.metadata?.labels ?? {},
          ownerReferences: [{ uid: uid ?? "" }],
        },
        spec: specOf(owner).template?.spec ?? {},
        status: { phase: "Pending" },
      });
      const becomeReady = () =>
        this.server.edit("Pod", pod.metadata.name, (now) => {
          now["status"] = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
        });
      void this.server.clock.sleep(startMs).then(becomeReady);
    }
    return this.server.look("Pod").filter(isOwn);
  }

  /** Looks again after a while, once for each key. */
  #later(key: string, ms: number): void {
    if (this.#timed.has(key)) return;
    this.#timed.add(key);
    void this.server.clock.sleep(ms).then(() => this.#control());
  }

  #answer(path: string, body: string | undefined): string {
    if (path.startsWith("events?")) return JSON.stringify({ items: [] });
    if (path.endsWith("/proxy/predict")) {
      const { columns } = JSON.parse(body ?? "{}") as { columns: Record<string, unknown[]> };
      return JSON.stringify({ predictions: Object.values(columns)[0]!.map(() => 1) });
    }
    if (path.includes("/log?")) return "";
    throw new Error(`nothing answers ${path}`);
  }
}

const none = (): Counts => ({ requests: 0, errors: 0 });
