// Verifies who signed a request to the fake S3 server: Signature Version 4, in the header or in the URL,
// and Google's dialect of it. Written after "Authenticating Requests (AWS Signature Version 4)".
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "./refusal.ts";
import { header } from "./request.ts";
import type { Head } from "./request.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** When the session's token ends. */
  expires?: Date;
}

/** What a good signature says. */
export interface Signed {
  region: string;
  /** `x-amz-content-sha256`: hexadecimal digits, or one of the words that stand in for them. */
  payload: string;
}

interface Dialect {
  algorithm: string;
  secret: string;
  service: string;
  end: string;
  /** How its headers begin. */
  headers: string;
}

const amazon: Dialect = {
  algorithm: "AWS4-HMAC-SHA256",
  secret: "AWS4",
  service: "s3",
  end: "aws4_request",
  headers: "x-amz-",
};
const google: Dialect = {
  algorithm: "GOOG4-HMAC-SHA256",
  secret: "GOOG4",
  service: "storage",
  end: "goog4_request",
  headers: "x-goog-",
};

/** How far a client's clock may be off: 15 minutes. */
const tolerance = 15 * 60_000;

interface Claim {
  dialect: Dialect;
  credential: string;
  signedHeaders: string[];
  signature: string;
  /** `20260102T030405Z`. */
  date: string;
  payload: string;
  token: string | null;
  /** Seconds for which a signed URL holds; null for a signed header. */
  lifetime: number | null;
}

/** @throws Refusal for a request that the holder of no known credentials signed, or signed at another time. */
export function verifySignature(request: Head, known: readonly Credentials[], now: Date): Signed {
  const claim = request.query.has("X-Amz-Signature") ? claimOfUrl(request) : claimOfHeader(request);
  const [accessKeyId, day, region, service, end] = claim.credential.split("/");
  const { dialect, date } = claim;
  if (service !== dialect.service || end !== dialect.end || day !== date.slice(0, 8)) {
    throw new Refusal(400, "AuthorizationHeaderMalformed", "The credential's scope is not as it must be");
  }
  verifyTime(claim, now);
  const holder = known.find((credentials) => credentials.accessKeyId === accessKeyId);
  if (holder === undefined) throw new Refusal(403, "InvalidAccessKeyId", "There is no such access key");
  if (claim.lifetime === null) verifyHeadersAreSigned(request, claim);
  const scope = [day, region, service, end].join("/");
  const toSign = [dialect.algorithm, date, scope, sha256(canonical(request, claim))].join("\n");
  const key = [day, region, service, end].reduce<Buffer | string>(
    (secret, part) => hmac(secret, part ?? ""),
    dialect.secret + holder.secretAccessKey,
  );
  const expected = hmac(key, toSign);
  const given = Buffer.from(claim.signature, "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Refusal(403, "SignatureDoesNotMatch", "The signature is not that of the request");
  }
  verifyToken(claim, holder, now);
  return { region: region ?? "", payload: claim.payload };
}

function claimOfHeader(request: Head): Claim {
  const authorization = header(request, "authorization");
  if (authorization === null) throw new Refusal(403, "AccessDenied", "Access Denied");
  const parts = /^(\S+) Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]+)$/.exec(
    authorization,
  );
  const [, algorithm, credential = "", signedHeaders = "", signature = ""] = parts ?? [];
  const dialect = [amazon, google].find((one) => one.algorithm === algorithm);
  if (dialect === undefined) throw new Refusal(400, "AuthorizationHeaderMalformed", "It is not understood");
  const date = header(request, `${dialect.headers}date`);
  if (date === null) throw new Refusal(403, "AccessDenied", "A signed request needs a date");
  const payload = header(request, `${dialect.headers}content-sha256`);
  if (payload === null) throw new Refusal(400, "InvalidRequest", "Missing header: x-amz-content-sha256");
  const token = header(request, `${dialect.headers}security-token`);
  return {
    dialect,
    credential,
    signedHeaders: signedHeaders.split(";"),
    signature,
    date,
    payload,
    token,
    lifetime: null,
  };
}

function claimOfUrl(request: Head): Claim {
  const of = (name: string) => request.query.get(name) ?? "";
  if (of("X-Amz-Algorithm") !== amazon.algorithm) {
    throw new Refusal(400, "AuthorizationQueryParametersError", "The algorithm is not known");
  }
  return {
    dialect: amazon,
    credential: of("X-Amz-Credential"),
    signedHeaders: of("X-Amz-SignedHeaders").split(";"),
    signature: of("X-Amz-Signature"),
    date: of("X-Amz-Date"),
    payload: request.query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    token: request.query.get("X-Amz-Security-Token"),
    lifetime: Number(of("X-Amz-Expires")),
  };
}

function verifyTime({ date, lifetime }: Claim, now: Date): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (parts === null) throw new Refusal(403, "AccessDenied", "The date is not as it must be");
  const [year, month, day, hour, minute, second] = parts.slice(1);
  const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (lifetime === null ? Math.abs(signed - now.getTime()) > tolerance : signed - now.getTime() > tolerance) {
    const times = { RequestTime: date, ServerTime: now.toISOString() };
    throw new Refusal(403, "RequestTimeTooSkewed", "The clocks differ by more than 15 minutes", times);
  }
  if (lifetime !== null && !(now.getTime() <= signed + lifetime * 1000)) {
    throw new Refusal(403, "AccessDenied", "Request has expired");
  }
}

/** Whoever sits between could add or change what is not signed. */
function verifyHeadersAreSigned(request: Head, { signedHeaders, dialect }: Claim): void {
  const must = Object.keys(request.headers).filter(
    (name) => name === "host" || name.startsWith(dialect.headers),
  );
  const missing = must.filter((name) => !signedHeaders.includes(name));
  if (missing.length === 0) return;
  const members = { HeadersNotSigned: missing.join(", ") };
  throw new Refusal(403, "AccessDenied", "There were headers present which were not signed", members);
}

function verifyToken({ token }: Claim, holder: Credentials, now: Date): void {
  if ((holder.sessionToken ?? null) !== token) {
    throw new Refusal(400, "InvalidToken", "The token is not that of the access key");
  }
  if (holder.expires !== undefined && holder.expires <= now) {
    throw new Refusal(400, "ExpiredToken", "The provided token has expired.");
  }
}

function canonical(request: Head, { signedHeaders, payload }: Claim): string {
  const path = request.path.split("/").map((name) => encode(decodeURIComponent(name)));
  const query = [...request.query]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .toSorted(([a, x], [b, y]) => (a === b ? Number(x > y) - Number(x < y) : Number(a > b) - Number(a < b)))
    .map(([name, value]) => `${name}=${value}`);
  const lines = signedHeaders.map((name) => {
    const value = request.headers[name];
    return `${name}:${(Array.isArray(value) ? value.join(",") : (value ?? "")).trim().replaceAll(/ +/g, " ")}\n`;
  });
  return [
    request.method,
    path.join("/"),
    query.join("&"),
    lines.join(""),
    signedHeaders.join(";"),
    payload,
  ].join("\n");
}

/** As RFC 3986 has it: encodeURIComponent leaves five characters that S3 wants encoded. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
