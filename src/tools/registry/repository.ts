// One repository at one registry: where its manifests and blobs are, and how it is spoken to.
import type { MlshipError } from "../../errors.ts";
import type { Reference } from "../../image/oci/reference.ts";
import { addressOf, isLoopback, type Address } from "./address.ts";
import type { Authorised, Scope } from "./authorised.ts";
import { badAnswer, connectionFault, refusal, type Asked } from "./faults.ts";
import { header, type Call, type Reply, type Send } from "./http.ts";
import { type Patience, patiently } from "./retry.ts";

/** Replies that send the caller elsewhere. */
const redirects = new Set([301, 302, 303, 307, 308]);
/** Most places that a call is sent on to. */
const mostRedirects = 5;

/** Speaks to one repository: every call is authorised, and every failure is told in words. */
export class Repository {
  readonly name: string;
  readonly patience: Patience;
  readonly #address: Address;
  readonly #authorised: Authorised;

  constructor(reference: Reference, authorised: Authorised, patience: Patience) {
    this.name = reference.repository;
    this.patience = patience;
    this.#address = addressOf(reference.registry);
    this.#authorised = authorised;
  }

  /** @param place `manifests/latest`; the names in it have passed the grammar of references */
  url(place: string): URL {
    return new URL(`${this.name}/${place}`, this.#address.api);
  }

  pull(): Scope {
    return `repository:${this.name}:pull`;
  }

  push(): Scope {
    return `repository:${this.name}:pull,push`;
  }

  asked(doing: string): Asked {
    return { registry: this.#address.registry, repository: this.name, doing };
  }

  /** Sends a call that must not be repeated blindly. Rejects with what went wrong on the connection. */
  async once(call: Call, scope: Scope, doing: string): Promise<Reply> {
    return await this.#authorised.send(call, scope, this.asked(doing));
  }

  /** Sends a call, again when that may help, and on to where the registry points. */
  async ask(call: Call, scope: Scope, doing: string): Promise<Reply> {
    const send: Send = (next) => this.once(next, scope, doing);
    const patient = patiently(send, this.patience);
    try {
      let reply = await patient(call);
      for (let count = 0; redirects.has(reply.status); count += 1) {
        const location = header(reply, "location");
        if (count === mostRedirects || location === null || call.body !== undefined) break;
        reply = await patient({ ...call, url: this.follow(location, reply.call.url, doing) });
      }
      return reply;
    } catch (error) {
      throw connectionFault(error, this.asked(doing));
    }
  }

  /** The URL in a header Location. @throws MlshipError `registry.bad-answer` when it leads out of TLS */
  follow(location: string, from: URL, doing: string): URL {
    if (!URL.canParse(location, from.href)) throw badAnswer(this.asked(doing), "it points to no URL");
    const url = new URL(location, from.href);
    if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return url;
    throw badAnswer(this.asked(doing), `it points to ${url.origin}, which is spoken to without TLS`);
  }

  refusal(reply: Reply, doing: string): MlshipError {
    return refusal(reply, this.asked(doing));
  }
}
