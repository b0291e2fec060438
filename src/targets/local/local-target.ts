// The local target: this machine serves models behind a gateway. Here the command line's side of it.
import { setTimeout as sleep } from "node:timers/promises";
import { rmSync } from "node:fs";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type {
  Fleet,
  Lock,
  Measurement,
  Observed,
  Records,
  Revision,
  Target,
  Traffic,
} from "../../rollout/ports.ts";
import { splitSchema } from "../../rollout/evidence-record.ts";
import type { AdminRequest, AdminRoute } from "./admin.ts";
import { lastLines } from "./bounded-log.ts";
import { desiredSchema, gatewayStatusSchema } from "./documents.ts";
import type { CrewStatus, Desired, GatewayConfig, GatewayStatus } from "./documents.ts";
import { readJson } from "./durable.ts";
import { crashesUntilGivenUp } from "./crew.ts";
import { FileLock } from "./file-lock.ts";
import { FileRecords } from "./file-records.ts";
import { GatewayClient, isAbsent } from "./gateway-client.ts";
import { LEASE_MS } from "./lease.ts";
import { completeMeasurement } from "./measurement.ts";
import { deploymentFolder, logFile, placesIn } from "./places.ts";
import type { Places } from "./places.ts";
import type { Daemons, Materials, Processes } from "./ports.ts";
import { predictDirectly } from "./predict.ts";
import { checkDisk, checkMaterial, checkPort, portMoved } from "./preflight.ts";

/** Milliseconds between looks at servers that start. */
const poll = 100;
/** Lines of a server's log that an error shows. */
const linesShown = 20;

/** What tells one local deployment from another, and how it serves. */
export interface LocalTargetOptions {
  name: string;
  channel: string;
  /** The project's `.mlship` folder. */
  stateFolder: string;
  /** Port of 127.0.0.1 where users send requests. */
  port: number;
  /** Servers per revision. */
  replicas: number;
  /** Milliseconds that one prediction may take. */
  timeoutMs: number;
  materials: Materials;
  /** Milliseconds that a share stays in force without being renewed; 30 s unless a test says less. */
  leaseMs?: number;
}

const nothingToSay = z.object({});

/** Serves on this machine. */
export class LocalTarget implements Target {
  readonly name = "local";
  readonly place: string;
  readonly lock: Lock;
  readonly records: Records;
  readonly fleet: Fleet;
  readonly traffic: Traffic;
  /** The gateway splits requests: it gives any share. */
  readonly reachableShares = (): Promise<null> => Promise.resolve(null);
  /** Whoever can run mlship here can serve here; the port and the disk are looked at with the revision. */
  readonly access = (): Promise<void> => Promise.resolve();
  readonly #options: LocalTargetOptions;
  readonly #places: Places;
  readonly #processes: Processes;
  readonly #gateway: GatewayClient;
  /** Of the lock that this process holds or held: what its writes are admitted under. */
  #epoch: number | null = null;

  constructor(options: LocalTargetOptions, processes: Processes, daemons: Daemons) {
    this.#options = options;
    this.#processes = processes;
    this.place = `this machine, port ${options.port}`;
    this.#places = placesIn(deploymentFolder(options.stateFolder, options.name, options.channel));
    this.#gateway = new GatewayClient(this.#places, processes, daemons);
    this.records = new FileRecords(this.#places);
    this.lock = new FileLock(this.#places.locks, processes, (epoch) => this.#acquired(epoch));
    this.fleet = {
      start: (revision) => this.#start(revision),
      ready: (revision, timeoutMs) => this.#ready(revision, timeoutMs),
      // The servers that try a revision out are all that it has here.
      expand: (revision) => this.#start(revision),
      isWhole: (revision) => this.#isWhole(revision),
      predict: async (revision, columns) => {
        const { ports, timeoutMs } = await this.#crew(revision);
        const [port] = ports;
        if (port === undefined) throw await this.#notReady(revision, "no server of it is ready");
        return predictDirectly(port, columns, timeoutMs);
      },
      promote: ({ id }) => this.#drive("promote", (epoch) => ({ epoch, id })),
      retire: ({ id }) => this.#unlessAbsent(this.#drive("retire", (epoch) => ({ epoch, id }))),
    };
    this.traffic = {
      set: ({ id }, share) => this.#drive("share", (epoch) => ({ epoch, id, share })),
      renew: () => this.#renew(),
      fallback: () => this.#unlessAbsent(this.#drive("fallback", (epoch) => ({ epoch }))),
      measured: () => this.#measured(),
    };
  }

  async observe(): Promise<Observed> {
    const status = await this.#status();
    if (status === null) return { stable: null, canary: null, previous: null, share: 0, endpoint: null };
    const revision = (id: string | null) =>
      status.crews.find((crew) => crew.revision.id === id)?.revision ?? null;
    const stable = revision(status.stable);
    return {
      stable,
      canary: revision(status.canary),
      previous: revision(status.previous),
      share: status.share,
      endpoint: stable === null ? null : `http://127.0.0.1:${status.port}`,
    };
  }

  /** What the gateway runs in all detail, with what it did by itself; null when none runs. */
  async status(): Promise<GatewayStatus | null> {
    return this.#status();
  }

  async preflight(revision: Revision): Promise<void> {
    checkDisk(this.#places);
    const status = await this.#status();
    if (status === null) await checkPort(this.#options.port, this.#processes);
    else if (status.port !== this.#options.port) throw portMoved(status.port, this.#options.port);
    await checkMaterial(await this.#options.materials.materialise(revision.release));
  }

  async logs(revision: Revision, lines: number): Promise<string> {
    return lastLines(logFile(this.#places, revision.id), lines);
  }

  async stop(): Promise<void> {
    const file = await this.#gateway.find();
    if (file === null) {
      const desired = this.#desired();
      if (desired !== null) rmSync(this.#places.state, { force: true });
    } else {
      await this.#gateway.ask("stop", {}, nothingToSay);
      await this.#gateway.gone(file);
    }
    rmSync(this.#places.gateway, { force: true });
  }

  /**
   * Finds what a killed gateway or a restarted machine left behind, and serves the stable revision
   * again. Never starts a canary. Says what it found and did, in sentences; nothing when all is well.
   */
  async recover(): Promise<string[]> {
    if ((await this.#gateway.find()) !== null) return [];
    const desired = this.#desired();
    if (desired === null || (desired.stable === null && desired.canary === null)) return [];
    const said = [
      `nothing served ${this.#options.name}: its gateway had been killed or the machine restarted`,
    ];
    const stable = desired.specs.find(({ revision }) => revision.id === desired.stable);
    if (desired.canary !== null)
      said.push(`the canary ${desired.canary} was not started again; its share is 0`);
    if (stable === undefined) return said;
    await checkMaterial(stable);
    await this.#gateway.ensure(this.#config());
    await this.#ready(stable.revision, stable.timeoutMs + 120_000);
    said.push(`stable ${stable.revision.version} serves again on port ${this.#options.port}`);
    return said;
  }

  #status(): Promise<GatewayStatus | null> {
    return this.#gateway.find().then((file) => (file === null ? null : this.#askStatus()));
  }

  #askStatus(): Promise<GatewayStatus> {
    return this.#ask("status", {}, gatewayStatusSchema);
  }

  #desired(): Desired | null {
    return readJson(this.#places.state, desiredSchema);
  }

  #config(): GatewayConfig {
    const { name, channel, port, leaseMs = LEASE_MS } = this.#options;
    return { name, channel, port, leaseMs, folder: this.#places.folder };
  }

  async #acquired(epoch: number): Promise<void> {
    this.#epoch = epoch;
    await this.recover();
    // The holder before this one is shut out from now on, not only after this one's first write.
    if ((await this.#gateway.find()) !== null) await this.#drive("admit", (held) => ({ epoch: held }));
  }

  async #drive<R extends AdminRoute>(route: R, request: (epoch: number) => AdminRequest<R>): Promise<void> {
    await this.#ask(route, request(this.#held()), nothingToSay);
  }

  /** Asks the gateway. A driver that finds it killed serves stable again before it hears of the error. */
  async #ask<R extends AdminRoute, T>(route: R, body: AdminRequest<R>, answer: z.ZodType<T>): Promise<T> {
    try {
      return await this.#gateway.ask(route, body, answer);
    } catch (cause) {
      if (this.#epoch !== null && isAbsent(cause)) await this.recover();
      throw cause;
    }
  }

  #held(): number {
    if (this.#epoch !== null) return this.#epoch;
    throw new MlshipError({
      code: "rollout.not-locked",
      what: "this process changes a deployment without holding its lock",
      why: "every change is made under the lock's epoch",
      exit: "internal",
    });
  }

  async #start(revision: Revision): Promise<void> {
    const epoch = this.#held();
    const { replicas, timeoutMs, materials } = this.#options;
    const { bundleFolder, python } = await materials.materialise(revision.release);
    await checkMaterial({ bundleFolder, python });
    await this.#gateway.ensure(this.#config());
    const spec = { revision, bundleFolder, python, replicas, timeoutMs };
    await this.#ask("start", { epoch, spec }, nothingToSay);
  }

  async #ready(revision: Revision, timeoutMs: number): Promise<void> {
    const until = this.#processes.monotonic() + timeoutMs;
    while (!(await this.#isWhole(revision))) {
      if (this.#processes.monotonic() >= until) {
        const crew = await this.#crew(revision);
        const why = `${crew.ready} of ${crew.replicas} servers were ready after ${timeoutMs / 1000} s`;
        throw await this.#notReady(revision, why);
      }
      await sleep(poll);
    }
  }

  async #isWhole(revision: Revision): Promise<boolean> {
    const crew = await this.#crew(revision);
    if (crew.ready === crew.replicas) return true;
    if (crew.everReady || crew.restarts < crashesUntilGivenUp) return false;
    throw await this.#notReady(revision, `its servers ended by themselves ${crew.restarts} times`);
  }

  async #measured(): Promise<Measurement> {
    const split = await this.#ask("measured", {}, splitSchema);
    const logOf = (revision: Revision) => this.logs(revision, linesShown);
    return await completeMeasurement(split, await this.#askStatus(), logOf);
  }

  async #renew(): Promise<void> {
    const epoch = this.#held();
    const { renewed } = await this.#ask("renew", { epoch }, z.object({ renewed: z.boolean() }));
    if (renewed) return;
    throw new MlshipError({
      code: "rollout.lease-lost",
      what: "the canary's share is not in force any more",
      why: "it was not renewed in time, or the canary has changed, and fell to 0",
      fix: "set the share again",
      exit: "attention",
    });
  }

  /** Without a gateway no server runs, since they end with it: nothing is left to be taken away. */
  async #unlessAbsent(asked: Promise<void>): Promise<void> {
    await asked.catch((cause: unknown) => {
      if (!isAbsent(cause)) throw cause;
    });
  }

  async #crew(revision: Revision): Promise<CrewStatus> {
    const { crews } = await this.#askStatus();
    const crew = crews.find((each) => each.revision.id === revision.id);
    if (crew !== undefined) return crew;
    throw new MlshipError({
      code: "rollout.not-started",
      what: `revision ${revision.id} does not run on this machine`,
      fix: "see `mlship status`, then run the command again",
      exit: "attention",
    });
  }

  async #notReady(revision: Revision, why: string): Promise<MlshipError> {
    const log = await this.logs(revision, linesShown);
    return new MlshipError({
      code: "rollout.not-ready",
      what: `version ${revision.version} did not become ready`,
      why: log === "" ? why : `${why}; the server's log ends with\n${log}`,
      fix: "correct the model or its handler and deploy again",
      exit: "gate",
    });
  }
}
