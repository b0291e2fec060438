// An API server in memory: resourceVersions, preconditions, field managers and dependents as the real one has
// them, and a hook before and after every write.
import { MlshipError } from "../../../../src/errors.ts";
import type { JsonValue } from "../../../../src/config/kubernetes-keys.ts";
import type {
  Api,
  Cluster,
  KubeObject,
  Precondition,
  Tunnel,
} from "../../../../src/targets/kubernetes/ports.ts";
import { VirtualClock } from "../../rollout/world.ts";
import { changeFields, leavesOf, mergePatch } from "./fake-fields.ts";

/** One write, as a test sees it. */
export interface Write {
  /** Counts from 0. */
  index: number;
  verb: "create" | "apply" | "replace" | "patch" | "remove";
  kind: string;
  name: string;
}

/** Called around every write; what it throws is what the caller of the API gets. */
export interface Hooks {
  before?: (write: Write) => void;
  after?: (write: Write) => void;
}

/** A process that was killed: nothing that it does has an effect any more. */
export class Killed extends Error {}

interface Stored {
  object: KubeObject;
  /** Field manager → paths of the fields that it applied or wrote. */
  owners: Map<string, Set<string>>;
}

/** Kinds whose `metadata.generation` counts changes of `spec`. */
const generated = new Set(["Deployment", "Job", "HTTPRoute", "ReplicaSet"]);

/** Objects of one namespace. Several clients share one; each client is one process. */
export class FakeServer {
  readonly clock: VirtualClock;
  /** Milliseconds since 1970 when the clock stood at 0. */
  readonly epoch = Date.UTC(2026, 0, 1);
  readonly writes: Write[] = [];
  readonly #objects = new Map<string, Stored>();
  #version = 100;
  #uids = 0;
  #addresses = 0;
  /** The namespace is being removed: nothing can be created in it. */
  isTerminating = false;
  /** What the pods' paths answer: `pods/NAME:8080/proxy/metrics`. */
  answer: (path: string, body: string | undefined) => string = (path) => {
    throw apiError("kubernetes.refused", "unavailable", `nothing answers ${path}`);
  };
  /** Told of every change, to play the controllers. */
  onChange: (kind: string) => void = () => {};

  constructor(clock: VirtualClock = new VirtualClock()) {
    this.clock = clock;
  }

  now(): number {
    return this.epoch + this.clock.monotonic();
  }

  /** @returns a copy of what is stored */
  get(kind: string, name: string): KubeObject | null {
    const found = this.#objects.get(`${kind}/${name}`);
    return found === undefined ? null : structuredClone(found.object);
  }

  all(kind: string, selector = ""): KubeObject[] {
    return this.look(kind, selector).map((object) => structuredClone(object));
  }

  /** As `all`, the stored objects themselves: not to be changed. */
  look(kind: string, selector = ""): KubeObject[] {
    const wanted = selector.split(/,(?![^(]*\))/).filter((part) => part !== "");
    return [...this.#objects.values()]
      .map(({ object }) => object)
      .filter((object) => object.kind === kind && wanted.every((part) => matches(object, part)));
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** What a controller or another client does: no hook is called and no precondition asked. */
  set(object: KubeObject, manager = "controller"): KubeObject {
    const before = this.#objects.get(key(object));
    return this.#store(object, manager, before);
  }

  /** Changes an object that is there, as a controller or another client. */
  edit(kind: string, name: string, change: (object: KubeObject) => void, manager = "controller"): void {
    const now = this.get(kind, name);
    if (now === null) return;
    const before = JSON.stringify(now);
    change(now);
    if (JSON.stringify(now) !== before) this.set(now, manager);
  }

  /** Removes an object and what depends on it. */
  drop(kind: string, name: string): boolean {
    const found = this.#objects.get(`${kind}/${name}`);
    if (found === undefined) return false;
    this.#objects.delete(`${kind}/${name}`);
    this.#version += 1;
    for (const { object } of this.#objects.values()) {
      const owners = object.metadata["ownerReferences"];
      const isDependent =
        Array.isArray(owners) &&
        owners.some((owner) => (owner as { uid?: string }).uid === found.object.metadata.uid);
      if (isDependent) this.drop(object.kind, object.metadata.name);
    }
    this.onChange(kind);
    return true;
  }

  create(object: KubeObject, manager: string): KubeObject | null {
    if (this.isTerminating) {
      throw apiError("kubernetes.refused", "unavailable", "the namespace is being terminated");
    }
    if (this.#objects.has(key(object))) return null;
    return this.#store(object, manager, undefined);
  }

  replace(object: KubeObject, manager: string): KubeObject {
    const before = this.#objects.get(key(object));
    if (before === undefined) throw stale(object.kind, object.metadata.name);
    require(before.object, object.metadata);
    return this.#store(object, manager, before);
  }

  apply(object: KubeObject, manager: string, isForced: boolean): KubeObject {
    const before = this.#objects.get(key(object));
    if (before === undefined) {
      if (object.metadata.resourceVersion !== undefined) throw stale(object.kind, object.metadata.name);
      const created = this.create(object, manager);
      if (created === null) throw stale(object.kind, object.metadata.name);
      return created;
    }
    require(before.object, object.metadata);
    const { merged, owners, conflict } = changeFields(before, object, manager);
    if (conflict !== null && !isForced) {
      const words = `${conflict.field} of ${object.kind} ${object.metadata.name} belongs to ${conflict.manager}`;
      throw apiError("kubernetes.conflict", "attention", words);
    }
    return this.#store(merged, manager, { object: before.object, owners });
  }

  patch(kind: string, name: string, patch: { [key: string]: JsonValue }, manager: string): KubeObject {
    const before = this.#objects.get(`${kind}/${name}`);
    if (before === undefined) throw apiError("kubernetes.refused", "unavailable", `no ${kind} ${name}`);
    const { metadata } = patch;
    if (typeof metadata === "object" && metadata !== null) require(before.object, metadata as Precondition);
    return this.#store(mergePatch(before.object, patch) as KubeObject, manager, before);
  }

  remove(kind: string, name: string, precondition: Precondition | undefined): boolean {
    const before = this.#objects.get(`${kind}/${name}`);
    if (before === undefined) return false;
    require(before.object, precondition ?? {});
    return this.drop(kind, name);
  }

  #store(object: KubeObject, manager: string, before: Stored | undefined): KubeObject {
    const next = structuredClone(object);
    const old = before?.object;
    const changed = old === undefined || contentOf(old) !== contentOf(next);
    if (!changed) return structuredClone(old);
    this.#version += 1;
    const isNewSpec = JSON.stringify(old?.["spec"]) !== JSON.stringify(next["spec"]);
    next.metadata = {
      ...next.metadata,
      uid: old?.metadata.uid ?? `uid-${(this.#uids += 1)}`,
      creationTimestamp: old?.metadata.creationTimestamp ?? new Date(this.now()).toISOString(),
      resourceVersion: String(this.#version),
      ...(generated.has(next.kind) && { generation: (old?.metadata.generation ?? 0) + (isNewSpec ? 1 : 0) }),
    };
    if (next.kind === "Service") this.#address(next);
    // Status is written by controllers alone.
    if (manager !== "controller")
      next["status"] = old?.["status"] ?? (next.kind === "Event" ? undefined : {});
    const had = old === undefined ? new Map<string, string>() : leavesOf(old);
    const changedFields = [...leavesOf(next)].filter(([path, value]) => had.get(path) !== value);
    const owners = new Map(before?.owners);
    owners.set(manager, new Set([...(owners.get(manager) ?? []), ...changedFields.map(([path]) => path)]));
    this.#objects.set(key(next), { object: next, owners });
    this.onChange(next.kind);
    return structuredClone(next);
  }

  #address(service: KubeObject): void {
    const spec = (service["spec"] ?? {}) as { clusterIP?: string };
    spec.clusterIP ??= `10.96.0.${(this.#addresses += 1)}`;
  }

  /** One process's way in. */
  client(hooks: Hooks = {}): FakeClient {
    return new FakeClient(this, hooks);
  }
}

/** One process that uses the server. Once it is dead, every call throws. */
export class FakeClient implements Cluster {
  readonly context = "fake";
  readonly namespace = "default";
  readonly version = "v1.36.3";
  readonly api: Api;
  readonly tunnels = { open: (): Promise<Tunnel> => Promise.reject(new Error("no tunnels here")) };
  isDead = false;
  readonly #server: FakeServer;
  readonly #hooks: Hooks;

  constructor(server: FakeServer, hooks: Hooks) {
    this.#server = server;
    this.#hooks = hooks;
    const manager = "mlship";
    this.api = {
      read: (kind, name) => this.#ask(() => server.get(kind, name)),
      list: (kind, selector) => this.#ask(() => server.all(kind, selector)),
      create: (object) =>
        this.act("create", object.kind, object.metadata.name, () => server.create(object, manager)),
      apply: (object, by = manager) =>
        this.act("apply", object.kind, object.metadata.name, () => server.apply(object, by, false)),
      seize: (object, by = manager) =>
        this.act("apply", object.kind, object.metadata.name, () => server.apply(object, by, true)),
      replace: (object) =>
        this.act("replace", object.kind, object.metadata.name, () => server.replace(object, manager)),
      patch: (kind, name, patch) =>
        this.act("patch", kind, name, () => server.patch(kind, name, patch, manager)),
      rehearse: () => this.#ask(() => undefined),
      remove: (kind, name, precondition) =>
        this.act("remove", kind, name, () => server.remove(kind, name, precondition)),
      text: (path, options) => this.#ask(() => server.answer(path, options?.body)),
      can: () => this.#ask(() => true),
      now: () => server.now(),
    };
  }

  monotonic(): number {
    return this.#server.clock.monotonic();
  }

  async sleep(ms: number): Promise<void> {
    if (this.isDead) throw new Killed("dead");
    await this.#server.clock.sleep(ms);
    if (this.isDead) throw new Killed("dead");
  }

  close(): void {}

  async #ask<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isDead) throw new Killed("dead");
    return effect();
  }

  /** One write of this process: of an object, or of something else that a kill may fall before or after. */
  async act<T>(verb: Write["verb"], kind: string, name: string, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isDead) throw new Killed("dead");
    const write = { index: this.#server.writes.length, verb, kind, name };
    this.#hooks.before?.(write);
    if (this.isDead) throw new Killed(`before ${verb} ${kind} ${name}`);
    this.#server.writes.push(write);
    const result = effect();
    this.#hooks.after?.(write);
    if (this.isDead) throw new Killed(`after ${verb} ${kind} ${name}`);
    return result;
  }
}

/** An error as `Api` throws it. */
export function apiError(code: string, exit: MlshipError["exit"], what: string): MlshipError {
  return new MlshipError({ code, what, exit });
}

function stale(kind: string, name: string): MlshipError {
  return apiError("kubernetes.stale", "attention", `${kind} ${name} was changed meanwhile`);
}

function require(now: KubeObject, { uid, resourceVersion }: Precondition): void {
  const isOther = uid !== undefined && uid !== now.metadata.uid;
  const isOlder = resourceVersion !== undefined && resourceVersion !== now.metadata.resourceVersion;
  if (isOther || isOlder) throw stale(now.kind, now.metadata.name);
}

function key({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}

/** Everything but what the server writes itself. */
function contentOf(object: KubeObject): string {
  const {
    resourceVersion: _version,
    generation: _generation,
    uid: _uid,
    creationTimestamp: _at,
    ...metadata
  } = object.metadata;
  return JSON.stringify([...leavesOf({ ...object, metadata })].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** `a=b`, `a!=b`, `a in (b,c)`, `a`, `!a`. */
function matches(object: KubeObject, part: string): boolean {
  const [, name = "", how = "", rest = ""] = /^(!?[^\s=!]+)(?:\s*(!=|==?|in)\s*(.*))?$/.exec(part) ?? [];
  const is = object.metadata.labels?.[name.replace("!", "")];
  if (how === "") return name.startsWith("!") ? is === undefined : is !== undefined;
  if (how === "in") return is !== undefined && rest.slice(1, -1).split(",").includes(is);
  return how === "!=" ? is !== rest : is === rest;
}
