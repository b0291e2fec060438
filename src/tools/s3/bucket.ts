// Asks a bucket: signs each attempt anew, tries again what may pass, and mends region, clock and credentials once.
import { createHash } from "node:crypto";
import type { Account, Endpoint } from "./account.ts";
import { amazon, google, type Dialect } from "./dialect.ts";
import { badAnswer, codeOf, connectionFailure, failure, isExpired, type Asked } from "./failure.ts";
import type { Location } from "../../artifacts/location.ts";
import { Pace } from "./pace.ts";
import { isThrottling, mayPass, readRefusal, type Refusal } from "./refusal.ts";
import { encodePath, encodeQuery, sign } from "./sign.ts";
import { ReplyTooLong, type Reply, type Wire } from "./wire.ts";

/** One request to a bucket. */
export interface Call {
  /** The right that it takes, for error messages: `s3:PutObject`. */
  action: string;
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Key in the store, without the store's prefix; null for the bucket itself. */
  key: string | null;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** SHA-256 of the body in hexadecimal, where it is known. */
  sha256?: string;
  /** Where the reply's body is put. */
  into?: Uint8Array;
  /** Milliseconds for one attempt beyond what its bytes take. */
  limitMs?: number;
  /** Statuses from 300 on that are an answer and no failure. */
  expect?: readonly number[];
  /** Asked when a reply was lost: what the server says to this call by now, if that needs no sending; or null. */
  foretold?: () => Promise<Reply | null>;
}

export interface Answer extends Reply {
  /** Whether an earlier attempt may have been carried out: its reply was lost, or it was a 5xx. */
  uncertain: boolean;
}

export interface BucketOptions {
  location: Location;
  account: Account;
  wire: Wire;
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the command is interrupted. */
  sleep(ms: number): Promise<void>;
  /** Milliseconds of the first pause; each one after it is at most twice as long. */
  pauseMs?: number;
}

/** Attempts after the first. With {@link longestPause} they last half a minute. */
const furtherAttempts = 8;
const longestPause = 8000;
/** Milliseconds for an attempt, and bytes per millisecond that are the least a connection must carry. */
const usualLimit = 120_000;
const slowest = 16;
/** Bytes up to which a body is always signed; longer ones only where TLS does not protect them. */
const cheapToSign = 64 * 1024;
/** Failures of a connection that do not pass by themselves. */
const lasting = /^(ENOTFOUND|ERR_TLS.*|ERR_SSL.*|EPROTO|.*CERT.*|SELF_SIGNED.*|UNABLE_TO_.*|ERR_INVALID.*)$/;
const emptyDigest = createHash("sha256").digest("hex");

export class Bucket {
  readonly location: Location;
  readonly dialect: Dialect;
  readonly #options: BucketOptions;
  readonly #pace = new Pace(8, 16);
  #endpoint: Promise<Endpoint>;
  /** Milliseconds that the server's clock is ahead. */
  #skewMs = 0;
  #hasAnswered = false;

  constructor(options: BucketOptions) {
    this.#options = options;
    this.location = options.location;
    this.dialect = options.location.scheme === "gs" ? google : amazon;
    this.#endpoint = options.account.endpoint(null);
    // Whoever asks first is told; until then it is no unhandled rejection.
    this.#endpoint.catch(() => {});
  }

  /** Where requests go. */
  async origin(): Promise<URL> {
    return (await this.#endpoint).origin;
  }

  /** The server's time, as far as it was learnt. */
  now(): Date {
    return new Date(this.#options.now() + this.#skewMs);
  }

  /**
   * The answer to a call: a success, or a status that the call expects.
   * @throws MlshipError `store.*`, exit 5.
   */
  async ask(call: Call): Promise<Answer> {
    const mended = new Set<string>();
    let uncertain = false;
    for (let failed = 0; ; failed += 1) {
      let reply: Reply;
      try {
        reply = await this.#pace.run(() => this.#send(call));
      } catch (error) {
        if (failed === furtherAttempts || !this.#isPassing(error))
          throw connectionFailure(error, await this.#asked(call));
        uncertain = true;
        await this.pause(failed);
        const foretold = (await call.foretold?.()) ?? null;
        if (foretold !== null) return { ...foretold, uncertain };
        continue;
      }
      this.#hasAnswered = true;
      if (reply.status < 300) {
        this.#pace.faster();
        return { ...reply, uncertain };
      }
      const refusal = await this.#refusalOf(call, reply);
      const isMissing = reply.status === 404 && refusal.code === "NoSuchBucket";
      if (call.expect?.includes(reply.status) && !isMissing) return { ...reply, uncertain };
      if (await this.#mend(refusal, mended)) continue;
      if (failed === furtherAttempts || !mayPass(refusal)) throw await this.failure(call, refusal);
      if (isThrottling(refusal)) this.#pace.slower();
      uncertain ||= refusal.status >= 500;
      await this.pause(failed);
    }
  }

  async #send(call: Call): Promise<Reply> {
    const { account, wire } = this.#options;
    const [endpoint, credentials] = await Promise.all([this.#endpoint, account.credentials(false)]);
    const { origin, region } = endpoint;
    const key = call.key === null ? "" : encodePath(`/${this.location.prefix}${call.key}`);
    const path = `${endpoint.path}${key}` || "/";
    const query = call.query ?? {};
    const { method, body = null, into = null, limitMs = usualLimit } = call;
    const headers = sign(
      {
        method,
        path,
        query,
        headers: { host: origin.host, ...call.headers },
        payload: payloadOf(call, origin),
      },
      { dialect: this.dialect, region, credentials },
      this.now(),
    );
    const encoded = encodeQuery(query);
    return wire({
      method,
      origin,
      path: encoded === "" ? path : `${path}?${encoded}`,
      headers,
      body,
      into,
      limitMs: limitMs + ((body?.length ?? 0) + (into?.length ?? 0)) / slowest,
    });
  }

  /** A refused HEAD has no words: the same is asked with GET to hear them. */
  async #refusalOf(call: Call, reply: Reply): Promise<Refusal> {
    const refusal = readRefusal(reply);
    const isMute = call.method === "HEAD" && !call.expect?.includes(reply.status) && reply.status < 500;
    if (!isMute || refusal.region !== null) return refusal;
    const { into: _into, ...asked } = call;
    const range = call.key === null ? {} : { range: "bytes=0-0" };
    const query = call.key === null ? { "list-type": "2", "max-keys": "1" } : (call.query ?? {});
    try {
      const words = await this.#send({
        ...asked,
        method: "GET",
        query,
        headers: { ...call.headers, ...range },
      });
      return words.status < 300 ? refusal : readRefusal(words);
    } catch {
      return refusal;
    }
  }

  /** Does what the server's words ask for; each thing once. False when there is nothing to do. */
  async #mend(refusal: Refusal, mended: Set<string>): Promise<boolean> {
    const once = (what: string) => !mended.has(what) && mended.add(what).has(what);
    const { region, code, serverTime } = refusal;
    if (code === "RequestTimeTooSkewed" && serverTime !== null && once("clock")) {
      this.#skewMs = serverTime - this.#options.now();
      return true;
    }
    if (isExpired(refusal) && once("credentials")) {
      await this.#options.account.credentials(true);
      return true;
    }
    const elsewhere = region !== null && region !== (await this.#endpoint).region;
    if (elsewhere && [301, 307, 400].includes(refusal.status) && once("region")) {
      this.#endpoint = this.#options.account.endpoint(region);
      return true;
    }
    return false;
  }

  #isPassing(error: unknown): boolean {
    if (!(error instanceof Error) || error.name === "MlshipError" || error instanceof ReplyTooLong)
      return false;
    const code = codeOf(error);
    // A server that has never answered is not there; one that has is being restarted.
    return !lasting.test(code) && (code !== "ECONNREFUSED" || this.#hasAnswered);
  }

  /**
   * Waits before another attempt. Full jitter: many clients that were sent away together do not come back together.
   * @param failed attempts that came to nothing
   */
  async pause(failed: number): Promise<void> {
    const { pauseMs = 200 } = this.#options;
    await this.#options.sleep(Math.random() * Math.min(longestPause, pauseMs * 2 ** (failed + 1)));
  }

  async #asked({ action }: Pick<Call, "action">): Promise<Asked> {
    return { location: this.location, action, origin: (await this.#endpoint).origin.origin };
  }

  /** The error for a refusal. */
  async failure(call: Pick<Call, "action">, refusal: Refusal): Promise<Error> {
    return failure(refusal, await this.#asked(call));
  }

  /** The error for an answer that is not S3's. */
  badAnswer(action: string, why: string): Error {
    return badAnswer(this.location, action, why);
  }
}

function payloadOf({ body, sha256 }: Call, origin: URL): string {
  if (body === undefined) return emptyDigest;
  if (origin.protocol === "https:" && body.length > cheapToSign) return "UNSIGNED-PAYLOAD";
  return sha256 ?? createHash("sha256").update(body).digest("hex");
}
