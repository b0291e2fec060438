// Splits traffic with the routers of a model: shares in their memory, evidence from their counters.
import { MlshipError } from "../../../../errors.ts";
import { canaryName, instanceSelector, namesOf, noInstance } from "../../../../cluster/names.ts";
import { routerPorts } from "../../../../cluster/router/haproxy-config.ts";
import { wholeShare } from "../../../../cluster/router/share.ts";
import type { Measurement, Revision, Traffic } from "../../../../rollout/ports.ts";
import type { CanaryFuse } from "../../fleet/canary-fuse.ts";
import type { Fence } from "../../lock/fence.ts";
import { addRouters, countsOf, neverLess, noCounts, type RouterCounts } from "./haproxy-counts.ts";
import { answersOf } from "../measure-pods.ts";
import { eraOf, readSides } from "../measure-sides.ts";
import { noCanary } from "../no-canary.ts";
import { isReady } from "../../pods/pod-status.ts";
import type { PodCounters } from "../pod-counters.ts";
import type { Cluster, KubeObject } from "../../ports.ts";
import { mayRoute, RouterPods } from "./router-pods.ts";
import { inMillionths, lookAt, putShare, refuseLater } from "./router-shares.ts";
import { instanceOf, select } from "../../fleet/stable-service.ts";

/** What the split by routers is made of. */
export interface RouterParts {
  /** Name of the model. */
  name: string;
  cluster: Cluster;
  fence: Fence;
  fuse: CanaryFuse;
  counters: PodCounters;
}

/** Share of the ready routers that must answer. */
const enough = 0.9;

/**
 * A share is in the routers' memory and in force at once. Three things take it back when nobody
 * lives who would: the canary's pods end by their fuse and the routers send their requests to
 * stable, a router that starts again has 0, and a later holder of the lock refuses an older one.
 */
export class RouterTraffic implements Traffic {
  readonly #parts: RouterParts;
  readonly #pods: RouterPods;
  /** What each router was last seen to have counted, by its pod and start. */
  readonly #seen = new Map<string, RouterCounts>();
  /** The share that this process set last. */
  #wanted: { canary: string; millionths: number } | null = null;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#pods = new RouterPods(parts.cluster, routerPorts.runtime);
  }

  /** @throws MlshipError `router.too-small` (exit 2), `router.absent`, `router.silent`, `router.share` (exit 5). */
  async set(canary: Revision, share: number): Promise<void> {
    const millionths = inMillionths(share);
    if (share > 0 && millionths === 0) throw tooSmall(share);
    this.#wanted = null;
    if (millionths > 0) await this.#lead(canaryName(canary.id));
    const routers = (await this.#routers()).filter(mayRoute);
    if (!routers.some(isReady)) throw absent(this.#parts.name);
    await this.#put(routers, millionths, canary.id);
    if (millionths > 0) this.#wanted = { canary: canary.id, millionths };
  }

  /** Also gives a router that came up since the share that the others have. */
  async renew(): Promise<void> {
    const { cluster, name, fuse } = this.#parts;
    const job = instanceOf(await cluster.api.read("Service", namesOf(name).canary));
    if (job === null) throw noCanary(name);
    await fuse.renew(job);
    const wanted = this.#wanted;
    if (wanted === null || canaryName(wanted.canary) !== job) return;
    const routers = (await this.#routers()).filter(isReady);
    const readings = await Promise.all(routers.map((pod) => lookAt(this.#pods, pod)));
    const others = routers.filter((_, index) => readings[index]?.share !== wanted.millionths);
    await this.#put(others, wanted.millionths, wanted.canary);
  }

  /**
   * Routers that are gone have no share. One that cannot be reached keeps it in its memory: then the
   * canary's Service is pointed at nothing instead, and every router sends its requests to stable.
   */
  async fallback(): Promise<void> {
    this.#wanted = null;
    const { name, cluster } = this.#parts;
    const routers = (await this.#routers()).filter(mayRoute);
    try {
      await this.#put(routers, 0, null);
      return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    if ((await cluster.api.read("Service", namesOf(name).canary)) === null) return;
    await this.#point(noInstance);
  }

  /** Share that the ready routers have, 0 to 1; 0 as well where they reach no canary. */
  async share(): Promise<number> {
    const { cluster, name } = this.#parts;
    if (instanceOf(await cluster.api.read("Service", namesOf(name).canary)) === null) return 0;
    const routers = (await this.#routers()).filter(isReady);
    return meanShare(await Promise.all(routers.map((pod) => lookAt(this.#pods, pod))));
  }

  async measured(): Promise<Measurement> {
    const { cluster, name, counters } = this.#parts;
    const sides = await readSides(cluster, name);
    const routers = sides.routers.filter(isReady);
    if (routers.length === 0) throw absent(name);
    const [answered, served] = await Promise.all([
      this.#look(routers),
      counters.read(sides.stable, sides.canary),
    ]);
    const sum = answered.map(({ counts }) => counts).reduce(addRouters, noCounts);
    return {
      at: cluster.monotonic(),
      era: eraOf(
        sides,
        answered.map(({ id }) => id),
      ),
      share: meanShare(answered),
      ...sum,
      ready: sides.ready,
      trouble: sides.trouble,
      served: answersOf(served),
    };
  }

  /** What the ready routers tell. @throws MlshipError when fewer than 90 % of them do. */
  async #look(routers: readonly KubeObject[]) {
    const looks = await Promise.allSettled(
      routers.map(async (pod) => {
        const reading = await lookAt(this.#pods, pod);
        const id = `${pod.metadata.uid ?? pod.metadata.name} ${reading.began}`;
        const counts = neverLess(this.#seen.get(id) ?? noCounts, countsOf(reading));
        this.#seen.set(id, counts);
        return { id, counts, share: reading.share };
      }),
    );
    const answered = looks.filter((one) => one.status === "fulfilled").map(({ value }) => value);
    const failed = looks.find((one) => one.status === "rejected");
    if (failed !== undefined && answered.length < routers.length * enough) throw failed.reason;
    return answered;
  }

  /**
   * Sets a share on routers: all of them, or an error. A canary gets nothing before all routers could
   * be asked, since opening a way takes a second; what is taken back is taken back wherever it can be.
   */
  async #put(routers: readonly KubeObject[], millionths: number, canary: string | null): Promise<void> {
    if (routers.length === 0) return;
    const { fence } = this.#parts;
    const wanted = { millionths, epoch: fence.epoch, canary };
    const isGiven = millionths > 0;
    const [asked] = await Promise.all([
      reach(routers, (pod) => refuseLater(this.#pods, pod, wanted.epoch)),
      fence.confirm(),
    ]);
    // One that takes no requests need not answer, as long as the canary is to get some: it has 0.
    refuseFailed(asked.failed, (pod) => isGiven && isReady(pod));
    const set = await reach(asked.reached, (pod) => putShare(this.#pods, pod, wanted));
    refuseFailed([...asked.failed, ...set.failed], (pod) => !isGiven || isReady(pod));
  }

  /** A canary that is to get requests: its pods live on, and its Service reaches them. */
  async #lead(job: string): Promise<void> {
    await this.#parts.fuse.renew(job);
    await this.#point(job);
  }

  async #point(instance: string): Promise<void> {
    const { name, fence } = this.#parts;
    await fence.write("Service", namesOf(name).canary, (now) =>
      select(now, instanceSelector(name, instance)),
    );
  }

  async #routers(): Promise<KubeObject[]> {
    const { cluster, name } = this.#parts;
    const pods = await cluster.api.list("Pod", `app.kubernetes.io/name=${namesOf(name).router}`);
    await this.#pods.keepOnly(pods);
    return pods;
  }
}

/** The routers have about the same number of requests: users reach them through one Service. */
function meanShare(routers: readonly { share: number }[]): number {
  const sum = routers.reduce((total, { share }) => total + share, 0);
  return routers.length === 0 ? 0 : sum / routers.length / wholeShare;
}

function isUnreachable(error: unknown): boolean {
  return error instanceof MlshipError && error.code !== "rollout.lock-lost" && error.exit === "unavailable";
}

/** A router that could not be asked, and why. */
interface Unreached {
  pod: KubeObject;
  reason: unknown;
}

/** Does something with every router, whatever comes of the others. */
async function reach(routers: readonly KubeObject[], act: (pod: KubeObject) => Promise<void>) {
  const reached: KubeObject[] = [];
  const failed: Unreached[] = [];
  await Promise.all(
    routers.map(async (pod) => {
      try {
        await act(pod);
        reached.push(pod);
      } catch (reason) {
        failed.push({ pod, reason });
      }
    }),
  );
  return { reached, failed };
}

/** @throws the first error of a router that is needed; a lost lock before all others. */
function refuseFailed(failed: readonly Unreached[], isNeeded: (pod: KubeObject) => boolean): void {
  const isLost = ({ reason }: Unreached) =>
    reason instanceof MlshipError && reason.code === "rollout.lock-lost";
  const worst = failed.find(isLost) ?? failed.find(({ pod }) => isNeeded(pod));
  if (worst !== undefined) throw worst.reason;
}

function tooSmall(share: number): MlshipError {
  return new MlshipError({
    code: "router.too-small",
    what: `a share of ${share * 100} % is too small`,
    why: `the routers split in steps of ${100 / wholeShare} %`,
    fix: "ask for a larger share in `deploy.canary.steps`",
    exit: "usage",
  });
}

function absent(name: string): MlshipError {
  return new MlshipError({
    code: "router.absent",
    what: `no router of ${name} is ready`,
    why: "without one nobody reaches the model, and nothing can be measured",
    fix: `see why the pods of Deployment ${namesOf(name).router} are not ready`,
    exit: "unavailable",
  });
}
