// Sends calls to one registry as somebody: answers its challenges with what Docker's credentials allow.
import { z } from "zod";
import { isLoopback, type Address } from "./address.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { badAnswer, connectionFault, denied, refusal, saidBy, type Asked } from "./faults.ts";
import { header, type Body, type Call, type Reply, type Send } from "./http.ts";

/** What a token may be used for: `repository:acme/fraud:pull`, several with blanks between. */
export type Scope = string;

const tokenSchema = z
  .looseObject({ token: z.string().optional(), access_token: z.string().optional() })
  .transform((answer) => answer.token || answer.access_token || "");

/** Speaks to one registry. Credentials are looked up once, when first asked for, and go nowhere else. */
export class Authorised {
  readonly #address: Address;
  readonly #send: Send;
  readonly #patient: Send;
  readonly #find: () => Promise<Credentials | null>;
  #credentials: Promise<Credentials | null> | undefined;
  /** The header Authorization by scope. */
  readonly #headers = new Map<Scope, string>();

  /** @param patient the same as `send`, with retries: for the token server */
  constructor(address: Address, send: Send, patient: Send, find: () => Promise<Credentials | null>) {
    this.#address = address;
    this.#send = send;
    this.#patient = patient;
    this.#find = find;
  }

  /**
   * Sends a call to the registry, once more with a fresh token when it is challenged.
   * @throws MlshipError `registry.denied` when there is nothing to show that it accepts
   */
  async send(call: Call, scope: Scope, asked: Asked): Promise<Reply> {
    // What is elsewhere, such as a storage that the registry points to, is not told who asks.
    if (call.url.origin !== this.#address.api.origin) return await this.#send(call);
    const known = this.#headers.get(scope);
    const reply = await this.#send(withHeader(call, known));
    if (reply.status !== 401) return reply;
    const challenge = parseChallenge(header(reply, "www-authenticate"));
    if (challenge === null) return reply;
    const shown = await this.#answer(challenge, scope, asked, saidBy(reply).words);
    this.#headers.set(scope, shown);
    return await this.#send(withHeader(call, shown));
  }

  async #answer(challenge: Challenge, scope: Scope, asked: Asked, words: string): Promise<string> {
    this.#credentials ??= this.#find();
    const credentials = await this.#credentials;
    if (credentials?.kind === "bearer") return `Bearer ${credentials.token}`;
    if (challenge.kind === "bearer")
      return `Bearer ${await this.#token(challenge, credentials, scope, asked)}`;
    if (credentials?.kind === "password") return basic(credentials);
    throw denied(asked, `${words}; Docker has no user and password for ${this.#address.registry}`);
  }

  async #token(
    { realm, service, scope: wanted }: Challenge & { kind: "bearer" },
    credentials: Credentials | null,
    scope: Scope,
    asked: Asked,
  ): Promise<string> {
    const url = tokenUrl(realm, asked);
    const scopes = [...new Set([...scope.split(" "), ...(wanted ?? "").split(" ")])].filter(Boolean);
    const call =
      credentials?.kind === "identity"
        ? exchange(url, service, scopes, credentials.token)
        : request(url, service, scopes, credentials);
    const doing = `get a token from ${url.host} to ${asked.doing}`;
    const reply = await this.#patient(call).catch((error: unknown) => {
      throw connectionFault(error, { ...asked, registry: url.host, doing });
    });
    const { words } = saidBy(reply);
    const refusals = credentials?.kind === "identity" ? [400, 401, 403] : [401, 403];
    if (refusals.includes(reply.status)) {
      const who =
        credentials === null
          ? `Docker has no credentials for ${this.#address.registry}`
          : `the credentials that Docker has for ${this.#address.registry} are refused`;
      throw denied(asked, `${who}; ${words}`);
    }
    if (reply.status !== 200) throw refusal(reply, { ...asked, doing });
    return readToken(reply, { ...asked, doing });
  }
}

/** A token with a line break in it would end the header that carries it. */
function readToken(reply: Reply, asked: Asked): string {
  let token = "";
  try {
    token = tokenSchema.parse(JSON.parse(reply.body.toString("utf8")));
  } catch {
    // The cause could quote the token.
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw badAnswer(asked, "its token server gave no token");
  return token;
}

function tokenUrl(realm: string, asked: Asked): URL {
  if (!URL.canParse(realm)) throw badAnswer(asked, "the address of its token server is not a URL");
  const url = new URL(realm);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return url;
  throw badAnswer(
    asked,
    `it wants credentials to be sent to ${url.host} without TLS, where others can read them`,
  );
}

function request(url: URL, service: string | null, scopes: string[], credentials: Credentials | null): Call {
  const target = new URL(url);
  if (service !== null) target.searchParams.set("service", service);
  for (const scope of scopes) target.searchParams.append("scope", scope);
  if (credentials?.kind !== "password") return { method: "GET", url: target };
  target.searchParams.set("account", credentials.username);
  return { method: "GET", url: target, headers: { authorization: basic(credentials) } };
}

/** An identity token is a refresh token of OAuth 2: exchanged in the body of a POST. */
function exchange(url: URL, service: string | null, scopes: string[], refreshToken: string): Call {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "mlship",
    scope: scopes.join(" "),
    refresh_token: refreshToken,
    ...(service === null ? {} : { service }),
  });
  const bytes = Buffer.from(form.toString());
  const body: Body = { length: bytes.length, open: () => bytes };
  return { method: "POST", url, headers: { "content-type": "application/x-www-form-urlencoded" }, body };
}

function basic({ username, password }: Credentials & { kind: "password" }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function withHeader(call: Call, authorization: string | undefined): Call {
  return authorization === undefined ? call : { ...call, headers: { ...call.headers, authorization } };
}
