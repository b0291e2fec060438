// What a bucket's refusals and failures mean, in words, with what to do.
import { MlshipError } from "../../errors.ts";
import type { Location } from "../../artifacts/location.ts";
import { isFull, type Refusal } from "./refusal.ts";

/** What was asked when it failed. */
export interface Asked {
  location: Location;
  /** The right that it takes: `s3:PutObject`. */
  action: string;
  /** Where the server is: `https://s3.eu-central-1.amazonaws.com`. */
  origin: string;
}

const expired = /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired)$/;
const wrongKeys =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken(Id)?|InvalidSecurity|AuthFailure|AccessKeyIdNotFound)$/;

/** Whether fresh credentials may help. */
export function isExpired({ code }: Refusal): boolean {
  return expired.test(code);
}

/** The error of a refusal that neither time nor anything that mlship may do by itself mends. */
export function failure(refusal: Refusal, { location, action, origin }: Asked): MlshipError {
  const { status, code, words: why } = refusal;
  const place = location.shown;
  const unavailable = { why, exit: "unavailable" } as const;
  if (code === "NoSuchBucket") {
    return new MlshipError({
      code: "store.bucket-missing",
      what: `there is no bucket ${location.bucket} at ${origin}`,
      fix: "create the bucket, which no command of mlship does, or correct artifacts.store",
      ...unavailable,
    });
  }
  if (isExpired(refusal)) {
    return new MlshipError({
      code: "store.credentials",
      what: `the credentials for ${place} have expired`,
      fix: "log in anew (`aws sso login`) or set fresh credentials, then run the same command again: what was sent is not sent again",
      ...unavailable,
    });
  }
  if (wrongKeys.test(code)) {
    return new MlshipError({
      code: "store.credentials",
      what: `${origin} does not accept the credentials for ${place}`,
      fix: "check access key, secret, session token and profile; `aws sts get-caller-identity` says who they are on AWS",
      ...unavailable,
    });
  }
  if (code === "RequestTimeTooSkewed") {
    return new MlshipError({
      code: "store.clock",
      what: `the clock of this machine is too far from that of ${origin}`,
      fix: "set the clock, by NTP if possible, then run the same command again",
      ...unavailable,
    });
  }
  if (code.startsWith("KMS.") || /ServerSideEncryption|EncryptionKey|SSECustomer/i.test(code)) {
    return new MlshipError({
      code: "store.encryption",
      what: `${place} cannot encrypt as artifacts.s3.encryption wants it`,
      fix: "check the KMS key and the right to use it (kms:GenerateDataKey, kms:Decrypt), or choose another encryption",
      ...unavailable,
    });
  }
  if (/ObjectLock/i.test(code) || /object.?lock/i.test(why)) {
    return new MlshipError({
      code: "store.lock",
      what: `${place} cannot lock objects as artifacts.s3.lock wants it`,
      fix: "make the bucket with object lock, and give the credentials s3:PutObjectRetention; or take artifacts.s3.lock out",
      ...unavailable,
    });
  }
  if (status === 301 || status === 307 || code === "AuthorizationHeaderMalformed") {
    return new MlshipError({
      code: "store.region",
      what: `${location.bucket} is not in the region that was asked`,
      fix: `set artifacts.s3.region${refusal.region === null ? " to the bucket's region" : `: ${refusal.region}`}`,
      ...unavailable,
    });
  }
  if (isFull(refusal)) {
    return new MlshipError({
      code: "store.full",
      what: `${place} is full or over its quota`,
      fix: "free some space or raise the quota, then run the same command again",
      ...unavailable,
    });
  }
  if (status === 401 || status === 403) {
    return new MlshipError({
      code: "store.denied",
      what: `${place} refuses ${action}`,
      fix: `give the credentials the right ${action} there`,
      ...unavailable,
    });
  }
  if (status === 429 || status >= 500) {
    return new MlshipError({
      code: "store.busy",
      what: `${origin} takes no more requests, or fails: it was asked again several times`,
      fix: "run the same command again later: what has arrived is not sent again",
      ...unavailable,
    });
  }
  return new MlshipError({
    code: "store.refused",
    what: `${place} refuses ${action}`,
    fix: "look at what the server said; if it is no Amazon S3, make sure that it knows this request",
    ...unavailable,
  });
}

/** The error of a connection that failed. An MlshipError stays what it is. */
export function connectionFailure(cause: unknown, { location, origin }: Asked): unknown {
  if (cause instanceof MlshipError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  return new MlshipError({
    code: "store.unreachable",
    what: `${origin}, where ${location.shown} is, cannot be reached`,
    why: message || code,
    fix: /^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO_|^EPROTO$/.test(code)
      ? "if it is a server of your own, name its certificate authority in NODE_EXTRA_CA_CERTS; check http or https"
      : "check artifacts.s3.endpoint, that the server runs, and the network; then run the same command again",
    exit: "unavailable",
    cause,
  });
}

/** The server said something that S3 does not have. */
export function badAnswer(location: Location, action: string, why: string): MlshipError {
  return new MlshipError({
    code: "store.bad-answer",
    what: `the server of ${location.shown} gave an answer to ${action} that is not S3's`,
    why,
    fix: "make sure that the endpoint is that of an S3 server, and that no proxy changes its answers",
    exit: "unavailable",
  });
}

/** Code of a failed connection: `ECONNRESET`; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
