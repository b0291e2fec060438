// Waiting for pods: until all serve, until it is clear that they never will, or until time is up.
import { MlshipError } from "../../../errors.ts";
import type { Revision } from "../../../rollout/ports.ts";
import { explain, troubleIn, unreadiness, type Crew } from "../pods/pods.ts";
import type { Trouble } from "../pods/pod-trouble.ts";
import type { Cluster } from "../ports.ts";

/**
 * Milliseconds that something is waited for which may pass by itself: a registry's bad moment, a
 * node that frees room. Below the 10 s in which a pod that cannot start is to be told.
 */
const patience = 7_000;

/** Remembers for how long a set of pods has been in trouble. */
export class Patience {
  readonly #cluster: Pick<Cluster, "api" | "monotonic">;
  readonly #since = new Map<string, number>();

  constructor(cluster: Pick<Cluster, "api" | "monotonic">) {
    this.#cluster = cluster;
  }

  /**
   * Looks at a set that is not whole yet.
   * @throws MlshipError `rollout.not-ready` (exit 3: the model's doing) or `rollout.no-servers`
   *   (exit 5: the cluster's) as soon as it is clear that it will not become whole.
   */
  async check(revision: Revision, crew: Crew): Promise<void> {
    const { instance } = crew;
    const trouble = await troubleIn(this.#cluster, crew);
    if (trouble === null) {
      this.#since.delete(instance);
      return;
    }
    const now = this.#cluster.monotonic();
    const since = this.#since.get(instance) ?? now;
    this.#since.set(instance, since);
    if (trouble.isFinal || now - since >= patience) throw await inWords(this.#cluster, revision, trouble);
  }
}

/** The error of a set that was not whole in time. */
export async function tooLate(
  cluster: Pick<Cluster, "api">,
  revision: Revision,
  crew: Crew,
  timeoutMs: number,
): Promise<MlshipError> {
  const trouble = await troubleIn(cluster, crew);
  if (trouble !== null) return await inWords(cluster, revision, trouble);
  const why = `${crew.ready} of ${crew.wanted} servers were ready after ${Math.round(timeoutMs / 1000)} s`;
  const probe = await unreadiness(cluster, crew);
  const late = crew.pods[0]?.metadata.name ?? null;
  const own: Trouble = {
    pod: late,
    container: late === null ? null : "server",
    previous: false,
    cause: probe === null ? why : `${why}: ${probe}`,
    blames: "model",
    isFinal: true,
  };
  return await inWords(cluster, revision, own);
}

async function inWords(
  cluster: Pick<Cluster, "api">,
  revision: Revision,
  trouble: Trouble,
): Promise<MlshipError> {
  const why = await explain(cluster, trouble);
  const what = `version ${revision.version} did not become ready`;
  if (trouble.blames === "model") {
    const fix = "correct the model, its handler or its memory (`deploy.resources`) and deploy again";
    return new MlshipError({ code: "rollout.not-ready", what, why, fix, exit: "gate" });
  }
  const fix = "give the cluster what it lacks, then run the command again";
  return new MlshipError({ code: "rollout.no-servers", what, why, fix, exit: "unavailable" });
}
