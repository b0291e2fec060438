// What a command may use of the outside world. `src/host.ts` makes the real one, tests a fake one.
import type { Keeping, ObjectStore, Sweeper } from "../artifacts/ports.ts";
import type { ArtifactSettings } from "../config/config.ts";
import type { Resolver } from "../image/lock/ports.ts";
import type { Asking, Builder, Engine, Registry } from "../image/ports.ts";
import type { Scanner } from "../image/check/vulnerabilities.ts";
import type { Holder, Metrics, Target } from "../rollout/ports.ts";
import type { KubernetesTargetOptions } from "../targets/kubernetes/kubernetes-target.ts";
import type { Cluster, Kubeconfig } from "../targets/kubernetes/ports.ts";
import type { LocalTargetOptions } from "../targets/local/local-target.ts";
import type { Environments, Scorers } from "../validation/ports.ts";
import { ciRunOf } from "./ci-run.ts";
import type { RolloutView } from "./rollout-view.ts";

/** Tells a person what goes on, on stderr. Nothing here is data. */
export interface Progress {
  /** Begins a step: shown at once. One step is open at a time. */
  step(title: string): Step;
  /** One line that stays. */
  note(text: string): void;
}

export interface Step {
  /** Replaces the detail behind the title; on a terminal only. */
  update(detail: string): void;
  /** Replaces what is shown of a rollout below the title; elsewhere a line for each change. */
  show(view: RolloutView): void;
  /** Ends the step well, with a result to show. */
  done(result?: string): void;
  /** Ends the step badly; the error itself is printed by `main.ts`. */
  fail(result?: string): void;
}

export interface Clock {
  now(): Date;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Host {
  /** Absolute folder that the command works in: `-C`, or the working folder. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  /** Asks for a yes or no; only when `interactive`. */
  confirm(question: string): Promise<boolean>;
  /** Version of mlship. */
  readonly version: string;
  /** Absolute folder of what comes with mlship: `server/`, the Python package, and `image/`, the Dockerfile's template. */
  readonly templates: string;
  /** The person and machine, for locks and for the ledger. */
  readonly actor: { user: string; host: string; pid: number };
  /** A fresh identifier. */
  nonce(): string;
  /** @param lockFolder where the project keeps its locks: the same inputs keep the same lock. */
  environments(lockFolder: string): Promise<Environments>;
  scorers(): Promise<Scorers>;
  /** Pins distributions for the platforms of images. */
  resolver(): Promise<Resolver>;
  /** Container registries, with the credentials that Docker has for them. */
  registry(): Promise<Registry>;
  /** What builds images: `docker buildx`, or the Docker Engine. @throws MlshipError `docker.*`, exit 5. */
  builder(): Promise<Builder>;
  /** What runs images on this machine. @throws MlshipError `docker.*`, exit 5. */
  engine(): Promise<Engine>;
  /** Asks a server that runs on this machine. */
  asking(): Promise<Asking>;
  /** Whether a process of this machine still runs. */
  isAlive(pid: number): boolean;
  /** What looks for known vulnerabilities; null when none is installed. */
  scanner(): Promise<Scanner | null>;
  /** @throws MlshipError `store.*`, exit 2 or 5, for a place that cannot be reached. */
  store(settings: ArtifactSettings): Promise<ObjectStore>;
  /** What `mlship gc` alone may do to the store. @throws MlshipError as `store` */
  sweeper(settings: ArtifactSettings): Promise<Sweeper>;
  /** How the store's bucket keeps things; only for a store that is in one. @throws MlshipError as `store` */
  keeping(settings: ArtifactSettings): Promise<Keeping>;
  target(options: LocalTargetOptions): Promise<Target>;
  /** A Prometheus that answers the queries of `deploy.canary.prometheus`. @param url its address. */
  metrics(url: string): Promise<Metrics>;
  /** What the kubeconfig knows. @throws MlshipError `tool.missing`, `kubernetes.kubeconfig`, exit 5. */
  kubeconfig(): Promise<Kubeconfig>;
  /** @param place context null for the current one. @throws MlshipError `kubernetes.*`, exit 5 or 2. */
  cluster(place: { context: string | null; namespace: string }): Promise<Cluster>;
  /** The model's target on an opened cluster. */
  clusterTarget(cluster: Cluster, options: KubernetesTargetOptions): Promise<Target>;
  /** Ends what was opened for the command; called once, when it is over. */
  close(): void;
  /** Commit of the work tree that holds a folder, with `dirty` when it has changes; null outside git. */
  commit(folder: string): Promise<{ commit: string; dirty: boolean } | null>;
}

/** The part of a holder that the host knows. */
export function holderOf(host: Host, doing: string): Holder {
  const url = ciRunOf(host.env);
  const since = host.clock.now().toISOString();
  return { id: host.nonce(), doing, since, ...host.actor, ...(url !== null && { url }) };
}
