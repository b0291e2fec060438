// A driver of its own process that holds the lock of a model and writes every second, until it is refused.
// Usage: node hold-lock.ts NAMESPACE NAME. Says `held` when it has it; ends with 7 when another has taken over.
import { setTimeout as sleep } from "node:timers/promises";
import { MlshipError, exitCodes } from "../../../src/errors.ts";
import { keepingOf } from "../../../src/targets/kubernetes/keeping.ts";
import { Site } from "../kit.ts";
import { holderCalled, openKitTarget } from "./target.ts";

const [namespace = "", name = ""] = process.argv.slice(2);
const { cluster } = await openKitTarget(new Site(namespace, name), []);
const signal = new AbortController().signal;
const { lock, fence } = keepingOf(cluster, { name, alsoFenced: [], told: () => {}, signal });
const held = await lock.acquire(holderCalled("mlship deploy"));
const labels = { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": name };
const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${name}-work`, labels } };
try {
  for (let count = 0; ; count += 1) {
    if (count % 5 === 4) await held.renew();
    await fence.put({ ...configMap, data: { count: String(count) } });
    if (count === 0) process.stdout.write("held\n");
    await sleep(1_000);
  }
} catch (error) {
  if (!(error instanceof MlshipError) || error.code !== "rollout.lock-lost") throw error;
  process.exitCode = exitCodes[error.exit];
} finally {
  cluster.close();
}
