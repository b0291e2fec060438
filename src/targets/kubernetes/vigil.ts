// Looks after stable while a rollout is driven: what people and controllers do to it is seen with every scrape.
import { z } from "zod";
import { namesOf } from "../../cluster/names.ts";
import type { Served } from "../../cluster/served.ts";
import { failureOf } from "../../rollout/event.ts";
import type { Revision, Traffic } from "../../rollout/ports.ts";
import { usersSelector } from "./fleet/blueprint.ts";
import { replicasIn } from "./fleet/full-set.ts";
import type { Released } from "./fleet/released.ts";
import { instanceOf, select, selectorOf } from "./fleet/stable-service.ts";
import { contested, exchanged, imagesIn, moved } from "./foreign-hands.ts";
import { standingOf, type Standing } from "./observe.ts";
import { SeenCrew } from "./pods/seen-crew.ts";
import { crewOf, explain, troubleIn } from "./pods/pods.ts";
import type { KubeObject } from "./ports.ts";
import { stableFindings, type Finding, type StableParts } from "./stable-findings.ts";

/** Times that one thing is set right in a rollout; whoever does it again means it. */
const patience = 3;

const readySchema = z.object({ status: z.object({ readyReplicas: z.number().default(0) }).prefault({}) });

export interface VigilParts extends StableParts {
  released: Released;
  /** For people. */
  told: (text: string) => void;
}

/**
 * What takes servers from stable is set right at once, three times; then, and when something else
 * says where users' requests go, the rollout ends: two writers that undo each other help nobody.
 */
export class Vigil {
  readonly #parts: VigilParts;
  /** What is stable as far as this process knows, and the servers that it must not have fewer of. */
  #stable: { id: string; least: number } | null = null;
  /** Where the users' Service led when this process began: a change of the split moves it later. */
  #users: Record<string, string> | null = null;
  /** Images of the canary's pods as they were first seen, by uid and container. */
  readonly #images = new Map<string, string>();
  readonly #crew = new SeenCrew();
  readonly #mended = new Map<string, number>();
  /** What was told and is still so. */
  #drift: string | null = null;
  #isTroubled = false;

  constructor(parts: VigilParts) {
    this.#parts = parts;
  }

  /** Takes what is stable now for what should be. */
  async begin(): Promise<void> {
    const { cluster, name } = this.#parts;
    const { stableService, usersService, deployments } = await standingOf(cluster, name);
    const id = instanceOf(stableService);
    const deployment = deployments.find(({ metadata }) => metadata.name === id);
    this.#stable = id === null || deployment === undefined ? null : { id, least: replicasIn(deployment) };
    this.#users = usersService === null ? null : selectorOf(usersService);
  }

  /** From now on this revision is to be stable. @param least servers that it has */
  expect(revision: Revision, least: number): void {
    this.#stable = { id: revision.id, least };
    this.#users = null;
  }

  /** Nothing is looked after any more. */
  end(): void {
    this.#stable = null;
  }

  /**
   * Looks at stable once, sets right what can be, and tells what is new. `moving`: the canary's
   * servers were taken away by something else and others come up in their place.
   * @throws MlshipError `rollout.moved`, exit 7, when something else changed what is stable or what users reach,
   *   exchanged the canary's image, or keeps taking servers away.
   */
  async look(): Promise<{ moving: boolean }> {
    const expected = this.#stable;
    if (expected === null) return { moving: false };
    const { cluster, name, released } = this.#parts;
    const [standing, revision] = await Promise.all([
      standingOf(cluster, name),
      released.revision(expected.id),
    ]);
    // A promotion of this process' own came between.
    if (this.#stable !== expected || revision === null) return { moving: false };
    const served = await released.find(revision);
    this.#refuseMoved(standing, revision, served);
    const canary = await this.#canaryPods(standing);
    this.#refuseExchanged(canary);
    const wanted = { revision, served, least: expected.least };
    const findings = await stableFindings(this.#parts, standing, wanted);
    for (const { said, mend } of findings) if (mend !== null) await this.#mend(said, mend);
    this.#tellDrift(findings, revision);
    await this.#tellTrouble(standing, revision);
    return { moving: standing.jobs.length > 0 && this.#crew.isMoving(canary) };
  }

  async #canaryPods({ jobs }: Standing): Promise<KubeObject[]> {
    const { api } = this.#parts.cluster;
    const crews = jobs.map(({ metadata }) => api.list("Pod", `app.kubernetes.io/instance=${metadata.name}`));
    return (await Promise.all(crews)).flat();
  }

  #refuseMoved({ stableService, usersService }: Standing, revision: Revision, served: Served): void {
    const { name } = this.#parts;
    const { stable, users } = namesOf(name);
    if (instanceOf(stableService) !== revision.id) throw moved(stable, stableService, revision);
    // Without one, it is made again.
    if (usersService === null) return;
    const isRight = select(usersService, usersSelector(served, revision.id)) === null;
    const isOld = this.#users !== null && select(usersService, this.#users) === null;
    if (!isRight && !isOld) throw moved(users, usersService, revision);
  }

  #refuseExchanged(canary: readonly KubeObject[]): void {
    for (const { pod, key, image } of imagesIn(canary)) {
      const before = this.#images.get(key) ?? image;
      this.#images.set(key, before);
      if (before !== image) throw exchanged(pod, before, image);
    }
  }

  async #mend(said: string, mend: () => Promise<void>): Promise<void> {
    const times = (this.#mended.get(said) ?? 0) + 1;
    if (times > patience) throw contested(said);
    this.#mended.set(said, times);
    try {
      await mend();
      this.#parts.told(said);
    } catch (error) {
      this.#parts.told(`${said}, which failed: ${failureOf(error).what}`);
    }
  }

  /** What only a person can set right is told when it begins and when it is over. */
  #tellDrift(findings: readonly Finding[], { version }: Revision): void {
    const drift = findings.find(({ mend }) => mend === null)?.said ?? null;
    if (drift === this.#drift) return;
    this.#drift = drift;
    this.#parts.told(drift ?? `stable ${version} runs as it was deployed again`);
  }

  /** Servers of stable that cannot come back: their image is gone, no node takes them. */
  async #tellTrouble({ deployments }: Standing, { id, version }: Revision): Promise<void> {
    const deployment = deployments.find(({ metadata }) => metadata.name === id);
    const isWhole = deployment === undefined || readyIn(deployment) >= replicasIn(deployment);
    if (isWhole || this.#isTroubled) {
      this.#isTroubled &&= !isWhole;
      return;
    }
    const { cluster } = this.#parts;
    const crew = await crewOf(cluster, "Deployment", id);
    const trouble = await troubleIn(cluster, crew);
    if (trouble === null) return;
    this.#isTroubled = true;
    const why = await explain(cluster, trouble);
    this.#parts.told(`stable ${version} has ${crew.ready} of its ${crew.wanted} servers: ${why}`);
  }
}

/** Traffic whose measurements see what others do to stable as well. */
export function watched(traffic: Traffic, vigil: Vigil): Traffic {
  return {
    set: (canary, share) => traffic.set(canary, share),
    renew: () => traffic.renew(),
    fallback: () => traffic.fallback(),
    async measured() {
      const [looked, measured] = await Promise.allSettled([vigil.look(), traffic.measured()]);
      // What others did explains best why there is nothing to measure.
      if (looked.status === "rejected") throw looked.reason;
      if (measured.status === "rejected") throw measured.reason;
      return looked.value.moving ? { ...measured.value, moving: true } : measured.value;
    },
  };
}

function readyIn(deployment: KubeObject): number {
  return readySchema.parse(deployment).status.readyReplicas;
}
