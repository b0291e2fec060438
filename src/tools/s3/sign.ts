// Signs requests: Signature Version 4, as Amazon and Google have it.
import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import type { Dialect } from "./dialect.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** A request as it will stand on the wire. */
export interface Unsigned {
  method: string;
  /** Path with every name encoded, by {@link encodePath}. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Lower-case names, `host` among them. All of them are signed. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`. */
  payload: string;
}

export interface Signer {
  dialect: Dialect;
  region: string;
  credentials: Credentials;
}

/**
 * The headers of a request with its signature.
 * Source: "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference;
 * Cloud Storage's "V4 signing process" differs in names alone.
 * @param at the time that the server is to compare with its own
 */
export function sign(request: Unsigned, signer: Signer, at: Date): Record<string, string> {
  const { dialect, credentials } = signer;
  const time = stamp(at);
  const headers: Record<string, string> = {
    ...request.headers,
    [`${dialect.prefix}date`]: time,
    [`${dialect.prefix}content-sha256`]: request.payload,
    ...(credentials.sessionToken !== undefined && {
      [`${dialect.prefix}security-token`]: credentials.sessionToken,
    }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    request.path,
    encodeQuery(request.query),
    ...names.map((name) => `${name}:${tidy(headers[name] ?? "")}`),
    "",
    names.join(";"),
    request.payload,
  ].join("\n");
  const day = time.slice(0, 8);
  const scope = [day, signer.region, dialect.service, dialect.terminator];
  const text = [dialect.algorithm, time, scope.join("/"), sha256(canonical)].join("\n");
  const first = `${dialect.algorithm.slice(0, dialect.algorithm.indexOf("-"))}${credentials.secretAccessKey}`;
  const signature = hmac(signingKey(first, scope), text).toString("hex");
  headers["authorization"] =
    `${dialect.algorithm} Credential=${credentials.accessKeyId}/${scope.join("/")}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

/** `20261121T202400Z` */
function stamp(at: Date): string {
  const text = at.toISOString();
  return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`;
}

/** A header's value as it is signed: without blanks at its ends, and one where there are several. */
function tidy(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes("  ") ? trimmed.replace(/ +/g, " ") : trimmed;
}

/** The key that signed last, with what it was made from. */
let last: { made: string; key: KeyObject } | null = null;

/** The key of a day and place: made once, since making it costs as much as the rest of a signature. */
function signingKey(first: string, scope: readonly string[]): KeyObject {
  const made = [first, ...scope].join("\n");
  if (last?.made !== made) last = { made, key: createSecretKey(scope.reduce(hmac, Buffer.from(first))) };
  return last.key;
}

/** A path as it is signed and sent: each name between slashes encoded once. */
export function encodePath(path: string): string {
  return path.split("/").map(encode).join("/");
}

/** A query as it is signed and sent: sorted, every member with `=`. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
