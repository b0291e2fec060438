// A model of one's own on the testbed's cluster: a namespace, revisions with chosen faults, users, and a watcher.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Served } from "../../src/cluster/served.ts";
import type { GoldenRows } from "../../src/rollout/golden.ts";
import { startLoad, type Load, type LoadOptions } from "../../scripts/load.ts";
import { served as example } from "../unit/cluster/example.ts";
import { factor, type Fault } from "./kit/image.ts";

/** Where the router comes from in the testbed. */
export const routerImage = `${process.env["MLSHIP_TEST_REGISTRY"] ?? ""}/library/haproxy:3.2-alpine`;

/** How a revision of the kit's model differs from the plainest one. */
export interface Variant {
  version?: string;
  fault?: Fault;
  /** Servers of the full set; 2 unless given. */
  replicas?: number;
  image?: string;
  serve?: Partial<Served["serve"]>;
  deploy?: Partial<Served["deploy"]>;
  canary?: Partial<Served["deploy"]["canary"]>;
  /** More of the container `server`, as a strategic merge patch has it. */
  container?: { [key: string]: string | number | object };
}

/** A namespace with a model's name in it. */
export class Site {
  readonly namespace: string;
  readonly name: string;
  readonly #loads = new Set<Load>();
  readonly #watchers = new Set<Watcher>();

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  kubectl(...words: string[]): string {
    return execFileSync("kubectl", ["-n", this.namespace, ...words], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
  }

  /** What the cluster is to run; small enough for this machine. `revision` is filled in by who digests it. */
  served({
    version = "1.0.0",
    fault,
    replicas = 2,
    image,
    serve,
    deploy,
    canary,
    container,
  }: Variant = {}): Served {
    // The testbed's kubelet does not count local storage, so its node offers none.
    const storage = { "ephemeral-storage": null };
    const env = fault === undefined ? [] : [{ name: "MLSHIP_FAULT", value: JSON.stringify(fault) }];
    const server = {
      name: "server",
      env,
      resources: { requests: { ...storage, cpu: "30m" }, limits: { ...storage, cpu: "1" } },
      // Ending takes what it must, not what a large cluster's proxies need.
      lifecycle: { preStop: { sleep: { seconds: 2 } } },
      ...container,
    };
    // Several sites share two cores: what they ask for must not keep others' pods from starting.
    const little = [{ name: "router", resources: { requests: { cpu: "20m" } } }];
    const router = {
      kind: "Deployment",
      name: `${this.name}-router`,
      merge: { spec: { template: { spec: { containers: little } } } },
    };
    return {
      ...example,
      name: this.name,
      version,
      image: image ?? process.env["MLSHIP_TEST_KIT_IMAGE"] ?? "",
      serve: { ...example.serve, ...serve },
      deploy: {
        ...example.deploy,
        target: "kubernetes",
        namespace: this.namespace,
        replicas: { min: replicas, max: Math.max(replicas, 4), cpu: 70, memory: 80 },
        resources: { cpu: "1", memory: "256Mi" },
        patches: [
          {
            kind: "Deployment",
            merge: { spec: { minReadySeconds: 0, template: { spec: { containers: [server] } } } },
          },
          ...(canary?.split === undefined || canary.split === "router" ? [router] : []),
        ],
        ...deploy,
        router: { ...example.deploy.router, image: routerImage, ...deploy?.router },
        canary: {
          ...example.deploy.canary,
          steps: [20, 50],
          intervalMs: 3_000,
          maxHarm: 0.05,
          holdMs: 60_000,
          bakeMs: 3_000,
          startTimeoutMs: 60_000,
          ...canary,
        },
      },
    };
  }

  /** Address and port of a Service: the users' unless told otherwise. */
  address(service = this.name): { host: string; port: number } {
    const host = this.kubectl("get", "service", service, "-o", "jsonpath={.spec.clusterIP}");
    return { host, port: 80 };
  }

  /** Users: `rate` requests a second for at most `seconds`. Ended with the site. */
  load(
    rate: number,
    {
      seconds = 180,
      rows = userRows(),
      ...options
    }: LoadOptions & { seconds?: number; rows?: string[] } = {},
  ): Load {
    const { host, port } = this.address();
    const load = startLoad(port, rows, rate, seconds, { host, ...options });
    this.#loads.add(load);
    return load;
  }

  /** Begins to watch what must never be so. @param baseline servers that stable must never have fewer of */
  watch(baseline: number): Watcher {
    const watcher = new Watcher(this.namespace, this.name, baseline);
    this.#watchers.add(watcher);
    return watcher;
  }

  /** Ends users and watchers and removes the namespace. */
  async close(): Promise<void> {
    for (const load of this.#loads) await load.stop();
    for (const watcher of this.#watchers) await watcher.stop();
    execFileSync("kubectl", ["delete", "namespace", this.namespace, "--wait=false", "--ignore-not-found"], {
      stdio: "ignore",
    });
  }
}

/** What an independent process saw that must never be so. */
export class Watcher {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #told = "";

  constructor(namespace: string, name: string, baseline: number) {
    const script = path.join(import.meta.dirname, "kit", "watcher.ts");
    this.#child = spawn(process.execPath, [script, namespace, name, String(baseline)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#told += text));
    this.#ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  /** Ends it. @returns one line for each thing; none when all was well */
  async stop(): Promise<string[]> {
    this.#child.stdin?.end();
    await Promise.race([this.#ended, sleep(10_000).then(() => this.#child.kill("SIGKILL"))]);
    return this.#told.trim() === "" ? [] : this.#told.trim().split("\n");
  }
}

/** Opens a namespace under Pod Security's profile restricted. @param name of the model; a DNS label */
export function openSite(name = "kit"): Site {
  const namespace = `t-${name}-${randomBytes(4).toString("hex")}`;
  execFileSync("kubectl", ["create", "namespace", namespace], { stdio: "ignore" });
  const enforce = "pod-security.kubernetes.io/enforce=restricted";
  execFileSync("kubectl", ["label", "namespace", namespace, enforce], { stdio: "ignore" });
  return new Site(namespace, name);
}

/** Rows as users send them, one at a time. */
export function userRows(count = 200): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ a: (index % 100) / 100, b: index / 7 }),
  );
}

/** A hundred rows with what the kit's model answers to them. */
export const golden: GoldenRows = {
  columns: {
    a: Array.from({ length: 100 }, (_, index) => index / 100),
    b: Array.from({ length: 100 }, (_, index) => index % 7),
  },
  compare({ predictions }) {
    const differences = predictions.map((answer, index) =>
      Math.abs(Number(answer) - (index / 100 + (index % 7)) * factor),
    );
    return { rows: predictions.length, flips: 0, maxDelta: Math.max(...differences) };
  },
};
