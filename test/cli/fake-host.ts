// The command line with nothing real around it but the project's folder: store, Python and target are in
// memory, time passes only when everybody waits, and a run can be interrupted anywhere.
import { cpSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Host, Step } from "../../src/commands/host.ts";
import { digestBytes } from "../../src/digest.ts";
import type { Keeping } from "../../src/artifacts/ports.ts";
import type { Scanner } from "../../src/image/check/vulnerabilities.ts";
import type { Served } from "../../src/cluster/served.ts";
import { MlshipError } from "../../src/errors.ts";
import { run } from "../../src/main.ts";
import type { Metrics, Revision, Target } from "../../src/rollout/ports.ts";
import type { GlobalOptions, Shell, Sink } from "../../src/shell.ts";
import type { Cluster, Kubeconfig } from "../../src/targets/kubernetes/ports.ts";
import type { KubernetesTargetOptions } from "../../src/targets/kubernetes/kubernetes-target.ts";
import { lineProgress, silentProgress } from "../../src/ui/progress.ts";
import { createMemoryStore, createMemorySweeper } from "../unit/artifacts/memory-store.ts";
import { createMemoryRegistry } from "../unit/image/oci/memory-registry.ts";
import { World } from "../unit/rollout/world.ts";
import { FakeDocker } from "./fake-docker.ts";
import { emptyFolder } from "./project.ts";
import { evaluateBooster, fakeEnvironments, fakeIndex, fakeResolver, fakeScorers } from "./fake-python.ts";

/** What one command line printed, and how it ended. */
export interface Ran {
  exit: number;
  stdout: string;
  stderr: string;
}

/** The one document that `--json` must have printed, whose members a test then expects. */
export function documentOf({ stdout }: Ran): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A machine on which command lines run. */
export class Machine {
  readonly folder: string;
  readonly world = new World();
  readonly store = createMemoryStore();
  readonly registry = createMemoryRegistry();
  /** What builds images and runs them. */
  readonly docker = new FakeDocker();
  /** What looks for known vulnerabilities; null when none is installed. */
  scanner: Scanner | null = null;
  /** The distributions that there are. */
  readonly index = fakeIndex();
  readonly faults = { isMissing: false, onAct: (_act: string) => {} };
  /** How each revision that runs on the cluster is served. */
  readonly served = new Map<string, Served>();
  /** How the store's bucket keeps things. */
  keeping: Keeping = { now: new Date(0), versioning: null, lock: null, lifecycle: null };
  /** What Prometheus answers. */
  ask: Metrics["ask"] = () => Promise.resolve({ problem: "there is no Prometheus" });
  /** What the kubeconfig knows. */
  kubeconfig: Kubeconfig = { current: null, contexts: [] };
  /** Opens a cluster; a test puts one there. */
  openCluster: (place: { context: string | null; namespace: string }) => Cluster = noCluster;
  env: Record<string, string | undefined> = {};
  isTerminal = false;
  columns = 80;
  /** What a person answers; null when there is nobody to ask. */
  answer: boolean | null = null;
  /** Told the title of each step as it begins. */
  onStep: (title: string) => void = () => {};
  /** The folder of each bundle that the target was given, by revision. */
  readonly bundles = new Map<string, string>();
  readonly questions: string[] = [];
  #nonces = 0;
  #stillness = Promise.resolve();
  #interrupt = new AbortController();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Another machine in the same state, with a folder of its own. */
  twin(): Machine {
    const twin = new Machine(emptyFolder());
    cpSync(this.folder, twin.folder, { recursive: true });
    for (const [key, bytes] of this.store.objects) twin.store.objects.set(key, bytes);
    const { stable, record, epoch } = this.world;
    if (stable !== null) twin.world.serves(stable);
    Object.assign(twin.world, { record: structuredClone(record), epoch });
    twin.#nonces = this.#nonces;
    return twin;
  }

  /** Ctrl-C for the command that runs now. */
  interrupt(): void {
    this.#interrupt.abort(
      new MlshipError({ code: "interrupted", what: "interrupted by SIGINT", exit: "interrupted" }),
    );
  }

  /** Lets time stand still until the function that it gives is called. */
  stopTime(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stillness = promise;
    return resolve;
  }

  /** Runs one command line, to its end. */
  async run(...argv: string[]): Promise<Ran> {
    this.#interrupt = new AbortController();
    return await this.beside(...argv);
  }

  /** Runs a command line that Ctrl-C does not mean, beside another one. */
  async beside(...argv: string[]): Promise<Ran> {
    const out: string[] = [];
    const err: string[] = [];
    const sink = (lines: string[]): Sink => ({
      write: (text) => void lines.push(text),
      isTerminal: this.isTerminal,
      columns: this.columns,
    });
    const { signal } = this.#interrupt;
    const stderr = sink(err);
    const shell: Shell = {
      stdout: sink(out),
      stderr,
      env: this.env,
      version: "0.1.0",
      host: (options) => Promise.resolve(this.#host(options, stderr, signal)),
    };
    const exit = await run(argv, shell);
    return { exit, stdout: out.join(""), stderr: err.join("") };
  }

  /** Everything that a command could have changed: files, the store, the target. */
  snapshot(): { files: Record<string, string>; store: Record<string, string>; target: unknown } {
    const { stable, canary, previous, share, record } = this.world;
    const objects = [...this.store.objects].map(([key, bytes]) => [
      key,
      Buffer.from(bytes).toString("base64"),
    ]);
    return structuredClone({
      files: this.#files(),
      store: Object.fromEntries(objects) as Record<string, string>,
      target: { stable, canary, previous, share, record },
    });
  }

  /** Path → content of every file below the folder; empty folders count, `.mlship/staging` itself does not. */
  #files(): Record<string, string> {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true }).map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(this.folder, file), entry.isFile() ? digestBytes(readFileSync(file)) : "folder"];
    });
    return Object.fromEntries(
      entries.filter(([name]) => name !== ".mlship/staging").sort(([a], [b]) => (a! < b! ? -1 : 1)),
    );
  }

  #host(options: GlobalOptions, stderr: Sink, signal: AbortSignal): Host {
    const progress = options.quiet ? silentProgress : lineProgress(stderr);
    const { clock } = this.world;
    return {
      cwd: path.resolve(this.folder, options.directory ?? "."),
      env: this.env,
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        sleep: async (ms, wake) => {
          await this.#stillness;
          await clock.sleep(ms, wake);
        },
      },
      signal,
      progress: {
        note: (text) => progress.note(text),
        step: (title): Step => {
          this.onStep(title);
          return progress.step(title);
        },
      },
      interactive: this.answer !== null,
      confirm: (question) => {
        this.questions.push(question);
        return Promise.resolve(this.answer ?? false);
      },
      version: "0.1.0",
      templates: path.resolve(import.meta.dirname, "../../templates"),
      actor: { user: "ada", host: "loom", pid: 4242 },
      nonce: () => `00000000-0000-4000-8000-${String((this.#nonces += 1)).padStart(12, "0")}`,
      environments: () => Promise.resolve(fakeEnvironments(this.faults, signal)),
      resolver: () => Promise.resolve(fakeResolver(this.faults, this.index, signal)),
      scorers: () => Promise.resolve(fakeScorers(this.faults, signal)),
      registry: () => Promise.resolve(this.registry),
      builder: () => Promise.resolve(this.docker.builder(signal)),
      engine: () => Promise.resolve(this.docker.engine()),
      asking: () => Promise.resolve(this.docker.asking()),
      isAlive: (pid) => pid === 4242,
      scanner: () => Promise.resolve(this.scanner),
      store: () => Promise.resolve(this.store),
      sweeper: () => Promise.resolve(createMemorySweeper(this.store, () => this.world.clock.now())),
      keeping: () => Promise.resolve(this.keeping),
      target: (wanted) => Promise.resolve(this.#target(wanted)),
      metrics: () => Promise.resolve({ ask: (query) => this.ask(query) }),
      kubeconfig: () => Promise.resolve(this.kubeconfig),
      cluster: (place) => Promise.resolve(this.openCluster(place)),
      clusterTarget: (cluster, wanted) => Promise.resolve(this.#clusterTarget(cluster, wanted)),
      close: () => {},
      commit: () => Promise.resolve({ commit: "0123456789abcdef0123456789abcdef01234567", dirty: false }),
    };
  }

  /** The same world on a cluster, whose servers answer with the model in the image that was built. */
  #clusterTarget(cluster: Cluster, { blueprints }: KubernetesTargetOptions): Target {
    const { world, docker, served } = this;
    const { target } = world;
    const bring = async (revision: Revision) => {
      const known = await blueprints.servedBy(revision);
      if (known === null) throw new Error(`nobody knows how ${revision.id} is served`);
      served.set(revision.id, known);
    };
    return {
      ...target,
      name: "kubernetes",
      place: `context ${cluster.context}, namespace ${cluster.namespace}`,
      fleet: {
        ...target.fleet,
        async start(revision) {
          await bring(revision);
          await target.fleet.start(revision);
        },
        async expand(revision) {
          await bring(revision);
          await target.fleet.expand(revision);
        },
        async predict(revision, columns) {
          await target.fleet.predict(revision, columns);
          return docker.answer(served.get(revision.id)?.image ?? "", columns);
        },
      },
      stop: () => {
        world.stopAll();
        return Promise.resolve();
      },
    };
  }

  /** The world's target, whose servers answer with the bundle that the store gave them. */
  #target({ materials, port }: Parameters<Host["target"]>[0]): Target {
    const { world, bundles } = this;
    const { target } = world;
    const bring = async ({ id, release }: Revision) => {
      const { bundleFolder } = await materials.materialise(release);
      bundles.set(id, bundleFolder);
    };
    return {
      ...target,
      place: `this machine, port ${port}`,
      fleet: {
        ...target.fleet,
        async start(revision) {
          await bring(revision);
          await target.fleet.start(revision);
        },
        async expand(revision) {
          await bring(revision);
          await target.fleet.expand(revision);
        },
        async predict(revision, columns) {
          await target.fleet.predict(revision, columns);
          return evaluateBooster(bundles.get(revision.id)!)(columns);
        },
      },
      stop: () => {
        world.stopAll();
        return Promise.resolve();
      },
    };
  }
}

function noCluster(): never {
  throw new MlshipError({
    code: "kubernetes.kubeconfig",
    what: "kubectl knows no cluster",
    fix: "get the cluster's kubeconfig and name it in KUBECONFIG",
    exit: "unavailable",
  });
}
