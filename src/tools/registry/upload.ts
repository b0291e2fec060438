// Uploads one blob: in one piece when it is small, else in pieces, going on where a cut upload ended.
import { Readable } from "node:stream";
import { MlshipError } from "../../errors.ts";
import type { UploadBlob } from "../../image/ports.ts";
import { badAnswer, connectionFault, digestMismatch, saidBy } from "./faults.ts";
import { header, type Body, type Reply } from "./http.ts";
import type { Repository } from "./repository.ts";
import { Attempts, isBusy, mayPass } from "./retry.ts";

/** How a blob is cut. */
export interface Pieces {
  /** Bytes up to which a blob is sent in one request. */
  whole: number;
  /** Bytes of one piece of a larger one: proxies refuse larger requests, smaller ones cost time. */
  piece: number;
}

/** An upload that a registry has begun. */
interface Session {
  url: URL;
  /** Bytes that the registry has. */
  offset: number;
  /** Least bytes of a piece but the last. */
  least: number;
}

/** Sends a blob to a repository. */
export class Upload {
  readonly #repository: Repository;
  readonly #blob: UploadBlob;
  readonly #pieces: Pieces;
  readonly #onBytes: (bytes: number) => void;
  readonly #doing: string;
  readonly #attempts: Attempts;
  #told = 0;

  constructor(repository: Repository, blob: UploadBlob, pieces: Pieces, onBytes: (bytes: number) => void) {
    this.#repository = repository;
    this.#blob = blob;
    this.#pieces = pieces;
    this.#onBytes = onBytes;
    this.#attempts = new Attempts(repository.patience);
    this.#doing = `upload ${blob.digest.slice(0, 19)}, ${blob.size} bytes`;
  }

  /** @returns whether bytes travelled: false when the registry had them in another repository */
  async run(): Promise<boolean> {
    for (;;) {
      const session = await this.#begin();
      if (session === null) return false;
      if ((await this.#send(session)) === "done") return true;
    }
  }

  /** Asks for a place to send to, or for the blob to be taken over from another repository. */
  async #begin(): Promise<Session | null> {
    const url = this.#repository.url("blobs/uploads/");
    const reply =
      (await this.#mount(url)) ??
      (await this.#repository.ask({ method: "POST", url }, this.#repository.push(), this.#doing));
    if (reply.status === 201) return null;
    if (reply.status !== 202) throw this.#repository.refusal(reply, this.#doing);
    const least = Number(header(reply, "oci-chunk-min-length") ?? 0) || 0;
    return this.#next({ url, offset: 0, least }, reply, 0);
  }

  /** The reply to the wish to take the blob over; null when there is no other place, or it may not be read. */
  async #mount(uploads: URL): Promise<Reply | null> {
    const { digest, mountFrom } = this.#blob;
    if (mountFrom === undefined || mountFrom === this.#repository.name) return null;
    const url = new URL(uploads);
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", mountFrom);
    const scope = `${this.#repository.push()} repository:${mountFrom}:pull`;
    const asked = this.#repository.ask({ method: "POST", url }, scope, this.#doing);
    const reply = await asked.catch((error: unknown) => {
      if (error instanceof MlshipError && error.code === "registry.denied") return null;
      throw error;
    });
    return reply !== null && (reply.status === 201 || reply.status === 202) ? reply : null;
  }

  /** Sends until the end, or until the upload has to be begun anew. Each failure costs an attempt. */
  async #send(begun: Session): Promise<"done" | "anew"> {
    let session = begun;
    for (;;) {
      const { method, url, from, to } = this.#step(session);
      const call = { method, url, headers: contentOf(method, from, to), body: this.#part(from, to) };
      let reply: Reply | null = null;
      let failure: MlshipError;
      try {
        reply = await this.#repository.once(call, this.#repository.push(), this.#doing);
        if (reply.status === 201 && method === "PUT") {
          this.#check(reply);
          this.#tell(this.#blob.size);
          return "done";
        }
        if (reply.status === 202 && method === "PATCH") {
          session = this.#next(session, reply, to);
          continue;
        }
        failure = this.#faultOf(reply);
        if (!isWorthAnother(reply)) throw failure;
      } catch (error) {
        failure = connectionFault(error, this.#asked());
        if (!mayPass(error)) throw failure;
      }
      if (!(await this.#attempts.again(reply))) throw failure;
      const found = reply !== null && isLost(reply) ? null : await this.#status(session);
      if (found === null) return "anew";
      session = found;
    }
  }

  /** What is sent next: all of it with the end, one more piece, or only the end. */
  #step({ url, offset, least }: Session): { method: "PUT" | "PATCH"; url: URL; from: number; to: number } {
    const { size, digest } = this.#blob;
    const { whole, piece } = this.#pieces;
    if (offset < size && (offset > 0 || size > whole)) {
      return { method: "PATCH", url, from: offset, to: Math.min(size, offset + Math.max(piece, least)) };
    }
    const last = new URL(url);
    last.searchParams.set("digest", digest);
    return { method: "PUT", url: last, from: offset, to: size };
  }

  #part(from: number, to: number): Body {
    const length = to - from;
    if (length === 0) return { length, open: () => new Uint8Array() };
    return { length, open: () => Readable.from(firstBytes(this.#blob, from, length)) };
  }

  /** Where to go on. A registry says `0-0` both of nothing and of one byte: then the upload is begun anew. */
  async #status(session: Session): Promise<Session | null> {
    const call = { method: "GET", url: session.url } as const;
    const reply = await this.#repository.ask(call, this.#repository.push(), this.#doing);
    const range = /^(?:bytes=)?0-([0-9]+)$/.exec(header(reply, "range") ?? "")?.[1];
    if (reply.status !== 204 || range === undefined || range === "0") return null;
    return this.#next(session, reply, Number(range) + 1);
  }

  /** The session after a reply that says where it goes on. @param sent bytes that it should have now */
  #next({ url, least }: Session, reply: Reply, sent: number): Session {
    const location = header(reply, "location");
    const range = /^(?:bytes=)?0-([0-9]+)$/.exec(header(reply, "range") ?? "")?.[1];
    const offset = sent > 0 && range !== undefined ? Number(range) + 1 : sent;
    if (offset > this.#blob.size) {
      throw badAnswer(this.#asked(), `it has ${offset} bytes of a blob of ${this.#blob.size}`);
    }
    this.#tell(offset);
    const next = location === null ? url : this.#repository.follow(location, reply.call.url, this.#doing);
    return { url: next, offset, least };
  }

  /** More than the registry ever had is progress: earlier failures no longer count. */
  #tell(has: number): void {
    if (has <= this.#told) return;
    this.#onBytes(has - this.#told);
    this.#told = has;
    this.#attempts.forget();
  }

  #check(reply: Reply): void {
    const reported = header(reply, "docker-content-digest");
    if (reported !== null && reported !== this.#blob.digest) {
      throw digestMismatch(this.#asked(), this.#blob.digest, reported);
    }
  }

  #faultOf(reply: Reply): MlshipError {
    const { code, words } = saidBy(reply);
    if (code === "DIGEST_INVALID") {
      return digestMismatch(this.#asked(), this.#blob.digest, `bytes that the registry refuses: ${words}`);
    }
    if (reply.status === 404) return badAnswer(this.#asked(), `it has forgotten the upload: ${words}`);
    return this.#repository.refusal(reply, this.#doing);
  }

  #asked() {
    return this.#repository.asked(this.#doing);
  }
}

/** The upload is of no use any more: it is not known, or its bytes are not the blob's. */
function isLost(reply: Reply): boolean {
  return reply.status === 404 || saidBy(reply).code === "DIGEST_INVALID";
}

/** Also when the two sides do not agree where the upload goes on (416): then it is asked. */
function isWorthAnother(reply: Reply): boolean {
  return isBusy(reply) || isLost(reply) || reply.status === 416;
}

function contentOf(method: "PUT" | "PATCH", from: number, to: number): Record<string, string> {
  const headers = { "content-type": "application/octet-stream" };
  // A range counts both ends: an empty one cannot be written.
  return method === "PATCH" ? { ...headers, "content-range": `${from}-${to - 1}` } : headers;
}

async function* firstBytes(blob: UploadBlob, from: number, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  const source: AsyncIterable<Uint8Array> = blob.open(from);
  for await (const bytes of source) {
    yield bytes.subarray(0, left);
    left -= Math.min(left, bytes.length);
    if (left === 0) return;
  }
  throw new MlshipError({
    code: "registry.blob-changed",
    what: `the file of ${blob.digest} became shorter while it was sent`,
    fix: "run `mlship build` again, then push",
    exit: "unavailable",
  });
}
