// Ways into pods by `kubectl port-forward`, which goes through the API server and the kubelet.
import { MlshipError } from "../../errors.ts";
import type { Tunnel, Tunnels } from "../../targets/kubernetes/ports.ts";
import { lastLines } from "../process.ts";
import { startLeashed } from "./leashed.ts";
import type { Kubectl } from "./leashed.ts";

/** The tunnels of one cluster; `close` ends all that are open. */
export function createTunnels(
  kubectl: Kubectl,
  args: readonly string[],
  namespace: string,
): Tunnels & { close(): void } {
  const all = new Set<Tunnel>();
  return {
    async open(pod, port) {
      const words = [
        "--namespace",
        namespace,
        "port-forward",
        "--address",
        "127.0.0.1",
        `pod/${pod}`,
        `:${port}`,
      ];
      const leashed = startLeashed(kubectl, [...args, ...words], "");
      // "Forwarding from 127.0.0.1:40001 -> 9999"
      const told = /^Forwarding from 127\.0\.0\.1:(\d+) ->/.exec((await leashed.first) ?? "");
      if (told === null) {
        leashed.close();
        throw new MlshipError({
          code: "kubernetes.tunnel",
          what: `there is no way into pod ${pod} in namespace ${namespace}`,
          why: lastLines(leashed.said(), 5) || "`kubectl port-forward` said nothing",
          fix: "the user of this context needs the right to create pods/portforward, and the pod must run",
          exit: "unavailable",
        });
      }
      const tunnel = {
        port: Number(told[1]),
        open: true,
        close() {
          this.open = false;
          all.delete(tunnel);
          leashed.close();
        },
      };
      all.add(tunnel);
      void leashed.ended.then(() => tunnel.close());
      return tunnel;
    },
    close() {
      for (const tunnel of all) tunnel.close();
    },
  };
}
