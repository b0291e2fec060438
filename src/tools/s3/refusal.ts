// What a server said when it did not do what it was asked: the code and words of S3's error document.
import { BadXml, readXml } from "./xml.ts";
import { header, type Reply } from "./wire.ts";

export interface Refusal {
  status: number;
  /** `NoSuchBucket`; empty when the reply has no error document. */
  code: string;
  /** In the server's words, without anything that was sent. */
  words: string;
  /** Region that the server says the bucket is in. */
  region: string | null;
  /** The server's time, in ms since 1970. */
  serverTime: number | null;
}

export function readRefusal(reply: Reply): Refusal {
  const { status } = reply;
  const date = Date.parse(header(reply, "date") ?? "");
  const error = errorOf(reply);
  const code = error?.textOf("Code") ?? "";
  const message = error?.textOf("Message") ?? "";
  const words = [`the server answered ${status}`, code, printable(message)].filter(Boolean).join(": ");
  return {
    status,
    code,
    words: words.slice(0, 400),
    region: header(reply, "x-amz-bucket-region") ?? error?.textOf("Region") ?? null,
    serverTime: Number.isNaN(date) ? null : date,
  };
}

/** The refusal of a Complete that began with 200, or null. */
export function refusalInside(reply: Reply): Refusal | null {
  const error = errorOf(reply);
  return error?.name === "Error" ? readRefusal(reply) : null;
}

/** Bytes that were damaged on their way are sent again, as what was cut off is. */
const passing =
  /^(RequestTimeout|ConditionalRequestConflict|OperationAborted|InternalError|SlowDown|BadDigest|IncompleteBody|XAmzContent.*Mismatch)$/;

/** Whether the same request may be answered well a little later. */
export function mayPass({ status, code }: Refusal): boolean {
  if (isFull({ status, code })) return false;
  return status === 408 || status === 429 || (status >= 500 && status !== 501) || passing.test(code);
}

/** Whether the server wants to be asked less. */
export function isThrottling({ status, code }: Refusal): boolean {
  return status === 429 || status === 503 || /^(SlowDown|TooManyRequests|RequestLimitExceeded)/.test(code);
}

/** Whether there is no room left. */
export function isFull({ status, code }: Pick<Refusal, "status" | "code">): boolean {
  return status === 507 || /Quota|StorageFull|InsufficientStorage|InsufficientCapacity/i.test(code);
}

function errorOf(reply: Reply) {
  try {
    return readXml(reply.body.toString("utf8"));
  } catch (error) {
    if (error instanceof BadXml) return null;
    throw error;
  }
}

function printable(text: string): string {
  return text.replace(/\p{C}+/gu, " ").trim();
}
