// Opens a cluster: chooses the context, starts kubectl, and asks the API server for its version and time.
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Cluster } from "../../targets/kubernetes/ports.ts";
import { chooseContext } from "../../targets/kubernetes/preflight/context.ts";
import { KubectlApi } from "./api.ts";
import { contextArgs, readKubeconfig } from "./contexts.ts";
import { faultOf, notReached } from "./faults.ts";
import type { Kubectl } from "./leashed.ts";
import { Proxy } from "./proxy.ts";
import { repeat } from "./repeat.ts";
import { ServerClock } from "./server-clock.ts";
import { createTunnels } from "./tunnels.ts";

export interface OpenOptions extends Kubectl {
  /** Null for the kubeconfig's current one. */
  context: string | null;
  namespace: string;
  /** Folder for temporary files. */
  temporary: string;
  /** Stops the opening; a cluster that is open stays so, to be left safe. */
  signal?: AbortSignal;
}

const versionSchema = z.looseObject({ gitVersion: z.string() });

/**
 * A cluster as its user reaches it.
 * @throws MlshipError exit 5: `tool.missing`, `kubernetes.kubeconfig`, `kubernetes.kubectl`,
 *   `kubernetes.unreachable`, `kubernetes.credentials`; `kubernetes.context`, exit 2.
 */
export async function openCluster(options: OpenOptions): Promise<Cluster> {
  const { namespace, signal } = options;
  const kubeconfig = await readKubeconfig(options.env, signal);
  const context = chooseContext(kubeconfig, options.context);
  const args = contextArgs(kubeconfig, context);
  const monotonic = () => performance.now();
  const clock = new ServerClock(monotonic);
  const proxy = new Proxy(options, args, options.temporary, { server: clock, monotonic });
  try {
    const version = await versionOf(proxy, { context, namespace });
    signal?.throwIfAborted();
    const now = () => clock.now() ?? silentClock();
    const tunnels = createTunnels(options, args, namespace);
    return {
      context,
      namespace,
      version,
      api: new KubectlApi({ send: (call) => proxy.send(call), now, context, namespace }),
      tunnels,
      monotonic,
      sleep: async (ms) => {
        await sleep(ms);
      },
      close() {
        tunnels.close();
        proxy.close();
      },
    };
  } catch (error) {
    proxy.close();
    throw error;
  }
}

/** The API server's version, `v1.36.3`; with its answer comes its time. */
async function versionOf(proxy: Proxy, place: { context: string; namespace: string }): Promise<string> {
  const asked = { ...place, verb: "get", object: "/version", resource: "/version" };
  try {
    const call = { method: "GET" as const, path: "/version", timeoutMs: 10_000 };
    const { reply } = await repeat((one) => proxy.send(one), call);
    if (reply.status !== 200) throw faultOf(reply, asked);
    return versionSchema.parse(JSON.parse(reply.body)).gitVersion;
  } catch (cause) {
    if (cause instanceof MlshipError) throw cause;
    throw notReached(cause instanceof Error ? cause.message : String(cause), asked);
  }
}

function silentClock(): never {
  throw new MlshipError({
    code: "kubernetes.clock",
    what: "the API server's answers do not say what time it is there",
    why: "a proxy between here and the API server drops their `Date` header",
    fix: "reach the API server without that proxy",
    exit: "unavailable",
  });
}
