// The API server's objects over HTTP: every write ends in a clear answer, also when the network does not give one.
import { z } from "zod";
import type { JsonValue } from "../../config/kubernetes-keys.ts";
import { MlshipError } from "../../errors.ts";
import { apiVersionOf, isKind, pathOf, resources } from "../../targets/kubernetes/resources.ts";
import type { Api, Kind, KubeObject, Precondition } from "../../targets/kubernetes/ports.ts";
import { contains } from "./contains.ts";
import { faultOf, notReached, stale, statusOf } from "./faults.ts";
import type { Asked } from "./faults.ts";
import { repeat } from "./repeat.ts";
import type { Answer } from "./repeat.ts";
import type { Call, Reply } from "./socket-http.ts";

/** Field manager of everything that mlship writes, unless said otherwise. */
const ownManager = "mlship";
/** Milliseconds that one request may take. */
const deadline = 10_000;
/** Objects per page of a list. */
const page = 500;

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});
const listSchema = z.looseObject({
  metadata: z.looseObject({ continue: z.string().optional() }),
  items: z.array(z.looseObject({})),
});
const reviewSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

/** Sends one call; the clock is told by its answers. */
export interface Wire {
  send(call: Call): Promise<Reply>;
  now(): number;
  context: string;
  namespace: string;
}

/** The objects of one namespace. */
export class KubectlApi implements Api {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async read(kind: Kind, name: string): Promise<KubeObject | null> {
    const asked = this.#asked("get", kind, name);
    const { reply } = await this.#repeat({ method: "GET", path: this.#path(kind, name) }, asked);
    if (reply.status === 404) return null;
    return objectOf(reply, asked);
  }

  async list(kind: Kind, selector?: string): Promise<KubeObject[]> {
    const asked = this.#asked("list", kind);
    const found: KubeObject[] = [];
    for (let next: string | undefined = ""; next !== undefined;) {
      const wanted = new URLSearchParams({ limit: String(page) });
      if (selector !== undefined) wanted.set("labelSelector", selector);
      if (next !== "") wanted.set("continue", next);
      const { reply } = await this.#repeat(
        { method: "GET", path: `${this.#path(kind)}?${wanted.toString()}` },
        asked,
      );
      // A kind that this cluster does not have has no objects.
      if (reply.status === 404) return [];
      if (reply.status !== 200) throw faultOf(reply, asked);
      const part = listSchema.parse(JSON.parse(reply.body));
      const apiVersion = apiVersionOf(resources[kind]);
      // Items of a list do not say what they are.
      for (const item of part.items) found.push(asObject({ ...item, apiVersion, kind }));
      next = part.metadata.continue || undefined;
    }
    return found;
  }

  async create(object: KubeObject): Promise<KubeObject | null> {
    const { kind, name, body } = this.#sent(object);
    const asked = this.#asked("create", kind, name);
    const path = `${this.#path(kind)}?${query()}`;
    const { reply, unsure } = await this.#repeat({ method: "POST", path, body }, asked);
    if (reply.status === 409 && statusOf(reply)?.reason === "AlreadyExists") {
      return unsure ? await this.#ownWrite(kind, name, object) : null;
    }
    return objectOf(reply, asked);
  }

  async apply(object: KubeObject, manager = ownManager): Promise<KubeObject> {
    return await this.#apply(object, { manager, force: "false" });
  }

  async seize(object: KubeObject, manager = ownManager): Promise<KubeObject> {
    return await this.#apply(object, { manager, force: "true" });
  }

  async rehearse(object: KubeObject): Promise<void> {
    await this.#apply(object, { manager: ownManager, force: "false", dryRun: "All" });
  }

  async replace(object: KubeObject): Promise<KubeObject> {
    const { kind, name, body } = this.#sent(object);
    const asked = this.#asked("update", kind, name);
    const call = { method: "PUT" as const, path: `${this.#path(kind, name)}?${query()}`, body };
    return await this.#write(call, asked, { kind, name, sent: object });
  }

  async patch(kind: Kind, name: string, change: { [key: string]: JsonValue }): Promise<KubeObject> {
    const asked = this.#asked("patch", kind, name);
    const type = "application/merge-patch+json";
    const path = `${this.#path(kind, name)}?${query()}`;
    const call = { method: "PATCH" as const, path, type, body: JSON.stringify(change) };
    return await this.#write(call, asked, { kind, name, sent: change });
  }

  async remove(kind: Kind, name: string, precondition?: Precondition): Promise<boolean> {
    const asked = this.#asked("delete", kind, name);
    const options = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
    const body = JSON.stringify(
      precondition === undefined ? options : { ...options, preconditions: precondition },
    );
    const { reply, unsure } = await this.#repeat(
      { method: "DELETE", path: this.#path(kind, name), body },
      asked,
    );
    if (reply.status === 404) return unsure;
    if (reply.status === 409 && unsure) {
      // The attempt that was not answered may be what changed it: a removal waits for finalizers.
      const found = await this.read(kind, name);
      const isOther = precondition?.uid !== undefined && found?.metadata.uid !== precondition.uid;
      if (found === null || isOther || found.metadata.deletionTimestamp !== undefined) return true;
    }
    if (!isWell(reply)) throw faultOf(reply, asked);
    return true;
  }

  async text(path: string, options: { body?: string; timeoutMs?: number } = {}): Promise<string> {
    const { body, timeoutMs = deadline } = options;
    const [resource = path] = path.split("?");
    const asked = {
      ...this.#asked("get", "Pod"),
      object: resource,
      verb: body === undefined ? "get" : "create",
    };
    const root = `/api/v1/namespaces/${encodeURIComponent(this.#wire.namespace)}`;
    const request = { path: `${root}/${path}`, timeoutMs };
    const call: Call =
      body === undefined ? { method: "GET", ...request } : { method: "POST", body, ...request };
    const reply = await this.#wire.send(call).catch((cause: unknown) => {
      throw cause instanceof MlshipError ? cause : notReached(wordsOf(cause), asked);
    });
    if (!isWell(reply)) throw faultOf(reply, asked);
    return reply.body;
  }

  async can(verb: string, group: string, resource: string): Promise<boolean> {
    const asked = {
      ...this.#asked("create", "Pod"),
      object: "a question about rights",
      resource: "selfsubjectaccessreviews.authorization.k8s.io",
    };
    const [name, subresource] = resource.split("/");
    const { namespace } = this.#wire;
    const attributes = {
      namespace,
      verb,
      group,
      resource: name,
      ...(subresource === undefined ? {} : { subresource }),
    };
    const body = JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    });
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const { reply } = await this.#repeat({ method: "POST", path, body }, asked);
    if (!isWell(reply)) throw faultOf(reply, asked);
    return reviewSchema.parse(JSON.parse(reply.body)).status.allowed;
  }

  now(): number {
    return this.#wire.now();
  }

  async #apply(
    object: KubeObject,
    { manager, ...options }: { manager: string; force: string; dryRun?: string },
  ): Promise<KubeObject> {
    const { kind, name, body } = this.#sent(object);
    const asked = this.#asked("patch", kind, name);
    const path = `${this.#path(kind, name)}?${query(manager, options)}`;
    const call = { method: "PATCH" as const, path, body, type: "application/apply-patch+yaml" };
    return await this.#write(call, asked, { kind, name, sent: object });
  }

  /**
   * A write that changes one object. A repeated one whose precondition does not hold any more may have
   * been carried out before: then the object says what was sent.
   */
  async #write(
    call: Omit<Call, "timeoutMs">,
    asked: Asked,
    { kind, name, sent }: { kind: Kind; name: string; sent: unknown },
  ): Promise<KubeObject> {
    const { reply, unsure } = await this.#repeat(call, asked);
    if (reply.status === 409 && unsure) {
      const own = await this.#ownWrite(kind, name, sent);
      if (own !== null) return own;
    }
    if (reply.status === 404 && statusOf(reply)?.details?.name === name && call.method !== "PATCH") {
      throw stale(asked, "it is gone");
    }
    return objectOf(reply, asked);
  }

  async #ownWrite(kind: Kind, name: string, sent: unknown): Promise<KubeObject | null> {
    const found = await this.read(kind, name);
    return contains(found, sent) ? found : null;
  }

  async #repeat(call: Omit<Call, "timeoutMs">, asked: Asked): Promise<Answer> {
    try {
      return await repeat((one) => this.#wire.send(one), { ...call, timeoutMs: deadline });
    } catch (cause) {
      throw cause instanceof MlshipError ? cause : notReached(wordsOf(cause), asked);
    }
  }

  #path(kind: Kind, name?: string): string {
    const path = pathOf(kind, this.#wire.namespace);
    return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
  }

  #asked(verb: string, kind: Kind, name?: string): Asked {
    const { group, plural } = resources[kind];
    const { context, namespace } = this.#wire;
    const resource = group === "" ? plural : `${plural}.${group}`;
    return { verb, resource, namespace, context, object: name === undefined ? plural : `${kind} ${name}` };
  }

  #sent(object: KubeObject): { kind: Kind; name: string; body: string } {
    const { kind, metadata } = object;
    if (!isKind(kind)) throw new Error(`mlship writes no ${kind}`);
    const { managedFields: _of, ...own } = metadata;
    const { namespace } = this.#wire;
    const placed = resources[kind].isNamespaced ? { namespace, ...own } : own;
    return { kind, name: metadata.name, body: JSON.stringify({ ...object, metadata: placed }) };
  }
}

/** A field that the API server does not know is an error, not a field that is dropped. */
function query(manager = ownManager, options: Record<string, string> = {}): string {
  return new URLSearchParams({ fieldManager: manager, fieldValidation: "Strict", ...options }).toString();
}

function objectOf(reply: Reply, asked: Asked): KubeObject {
  if (!isWell(reply)) throw faultOf(reply, asked);
  return asObject(JSON.parse(reply.body));
}

/** The parts of an object that every object has are checked; the rest is read through schemas where it is used. */
function asObject(value: unknown): KubeObject {
  if (isObject(value)) return value;
  throw new Error("the API server gave something that is no object");
}

function isObject(value: unknown): value is KubeObject {
  return objectSchema.safeParse(value).success;
}

function isWell({ status }: Reply): boolean {
  return status >= 200 && status < 300;
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
