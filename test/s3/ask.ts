// Asks an S3 server one thing, signed by the library that Amazon's own clients sign with, and right or wrong as the test wants.
import { createHash, createHmac } from "node:crypto";
import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";

/** A server and a bucket on it. */
export interface Place {
  /** `http://127.0.0.1:7070`. */
  url: string;
  bucket: string;
  /** Certificate that is trusted, in PEM. */
  ca?: string;
}

export interface Question {
  method?: string;
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** When it says that it was signed. */
  at?: Date;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** `x-amz-content-sha256`; by default the digest of the body. */
  payload?: string;
  /** Sends this instead of the body that was signed. */
  instead?: Uint8Array;
  /** Closes the connection behind so many bytes of the body. */
  cutAfter?: number;
  /** Headers that are sent and not signed. */
  unsigned?: Record<string, string>;
}

export interface Answer {
  status: number;
  /** S3's name of the error, or null. */
  code: string | null;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The hash and the keyed hash that the signer asks for. */
export class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** @throws the socket's error when there is no answer. */
export async function ask(place: Place, question: Question = {}): Promise<Answer> {
  const { method = "GET", key = "", query = {}, body = new Uint8Array(), cutAfter } = question;
  const at = new URL(place.url);
  const path = `/${[place.bucket, ...key.split("/")].map(encodeURIComponent).join("/")}`;
  const payload = question.payload ?? createHash("sha256").update(body).digest("hex");
  const signer = new SignatureV4({
    service: "s3",
    region: question.region ?? "us-east-1",
    credentials: question.credentials ?? { accessKeyId: "test", secretAccessKey: "testsecret" },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method,
      protocol: at.protocol,
      hostname: at.hostname,
      path: key === "" ? `/${place.bucket}` : path,
      query,
      headers: { host: at.host, ...question.headers, "x-amz-content-sha256": payload },
      body,
    },
    { signingDate: question.at ?? new Date() },
  );
  const search = new URLSearchParams(query).toString().replaceAll("+", "%20");
  const headers = { "content-length": String(body.length), ...signed.headers, ...question.unsigned };
  const target = `${signed.path}${search === "" ? "" : `?${search}`}`;
  return send(place, method, target, headers, question.instead ?? body, cutAfter);
}

/**
 * Sends a request as it is.
 * @param cutAfter closes the connection behind so many bytes of the body.
 */
export function send(
  { url, ca }: Place,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array,
  cutAfter?: number,
): Promise<Answer> {
  const { protocol, hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path, headers, agent: false, timeout: 20_000 };
    const sent = protocol === "https:" ? secureRequest({ ...options, ca }) : request(options);
    sent.on("timeout", () => sent.destroy(new Error("no answer in 20 s")));
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        const code = /<Code>(.*?)<\/Code>/.exec(bytes.toString("latin1"))?.[1] ?? null;
        resolve({ status: response.statusCode ?? 0, code, headers: response.headers, body: bytes });
      });
    });
    if (cutAfter === undefined) sent.end(body);
    else sent.write(body.subarray(0, cutAfter), () => sent.destroy(new Error("cut")));
  });
}
