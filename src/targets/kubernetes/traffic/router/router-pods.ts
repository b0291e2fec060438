// The ways into a model's routers, kept open and opened again, and what each of them says.
import { MlshipError } from "../../../../errors.ts";
import { askRouter } from "./haproxy-runtime.ts";
import { podStatus } from "../../pods/pod-status.ts";
import type { Cluster, KubeObject, Tunnel } from "../../ports.ts";

/** Asks routers by their runtime API, which listens inside their pods only. */
export class RouterPods {
  readonly #cluster: Pick<Cluster, "tunnels">;
  readonly #port: number;
  /** By uid: a pod that is replaced under its name is another one. */
  readonly #tunnels = new Map<string, Promise<Tunnel>>();

  /** @param port of the runtime API in the pod */
  constructor(cluster: Pick<Cluster, "tunnels">, port: number) {
    this.#cluster = cluster;
    this.#port = port;
  }

  /**
   * What one router answers. A tunnel that broke is opened again once.
   * @throws MlshipError `router.silent`, `kubernetes.tunnel`; exit 5.
   */
  async ask(pod: KubeObject, commands: readonly string[]): Promise<string> {
    const known = this.#tunnels.get(identity(pod));
    if (known !== undefined) {
      try {
        const tunnel = await known;
        if (tunnel.open) return await askRouter(tunnel.port, commands);
      } catch (error) {
        if (!(error instanceof MlshipError)) throw error;
      }
      await this.#drop(identity(pod));
    }
    return await askRouter((await this.#open(pod)).port, commands);
  }

  /** Closes the ways into pods that are no routers any more. */
  async keepOnly(pods: readonly KubeObject[]): Promise<void> {
    const alive = new Set(pods.map(identity));
    const gone = [...this.#tunnels.keys()].filter((id) => !alive.has(id));
    await Promise.all(gone.map((id) => this.#drop(id)));
  }

  #open(pod: KubeObject): Promise<Tunnel> {
    const id = identity(pod);
    const other = this.#tunnels.get(id);
    if (other !== undefined) return other;
    const opening = this.#cluster.tunnels.open(pod.metadata.name, this.#port);
    this.#tunnels.set(id, opening);
    return opening;
  }

  async #drop(id: string): Promise<void> {
    const tunnel = this.#tunnels.get(id);
    this.#tunnels.delete(id);
    try {
      (await tunnel)?.close();
    } catch (error) {
      // One that never opened has nothing to close.
      if (!(error instanceof MlshipError)) throw error;
    }
  }
}

function identity({ metadata }: KubeObject): string {
  return metadata.uid ?? metadata.name;
}

/** Whether HAProxy may be running in it: ready or not, it could get requests soon. */
export function mayRoute(pod: KubeObject): boolean {
  return pod.metadata.deletionTimestamp === undefined && podStatus(pod).phase === "Running";
}
