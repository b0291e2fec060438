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

/** How many times a blob is sent from its beginning when its bytes arrive damaged. */
const fromTheBeginning = 3;

/** Sends a blob to a repository. */
export class Upload {
  readonly #repository: Repository;
  readonly #blob: UploadBlob;
  readonly #pieces: Pieces;
  readonly #onBytes: (bytes: number) => void;
  readonly #doing: string;
  #told = 0;

  constructor(repository: Repository, blob: UploadBlob, pieces: Pieces, onBytes: (bytes: number) => void) {
    this.#repository = repository;
    this.#blob = blob;
    this.#pieces = pieces;
    this.#onBytes = onBytes;
    this.#doing = `upload ${blob.digest.slice(0, 19)}, ${blob.size} bytes`;
  }

  /** @returns whether bytes travelled: false when the registry had them in another repository */
  async run(): Promise<boolean> {
    let session = await this.#begin();
    if (session === null) return false;
    for (let beginnings = 1; ; beginnings += 1) {
      const ended = await this.#send(session);
      if (ended === "done") break;
      if (beginnings === fromTheBeginning) throw ended;
      session = await this.#begin();
      if (session === null) return false;
    }
    return true;
  }

  /** Asks for a place to send to, or for the blob to be taken over from another repository. */
  async #begin(): Promise<Session | null> {
    const { digest, mountFrom } = this.#blob;
    const url = this.#repository.url("blobs/uploads/");
    let scope = this.#repository.push();
    if (mountFrom !== undefined && mountFrom !== this.#repository.name) {
      url.searchParams.set("mount", digest);
      url.searchParams.set("from", mountFrom);
      scope += ` repository:${mountFrom}:pull`;
    }
    const reply = await this.#repository.ask({ method: "POST", url }, scope, this.#doing);
    if (reply.status === 201) return null;
    if (reply.status !== 202) throw this.#repository.refusal(reply, this.#doing);
    const least = Number(header(reply, "oci-chunk-min-length") ?? 0) || 0;
    return this.#next({ url, offset: 0, least }, reply, 0);
  }

  /** @returns why it is worth beginning anew, when it is */
  async #send(begun: Session): Promise<"done" | MlshipError> {
    let session = begun;
    const attempts = new Attempts(this.#repository.patience);
    for (;;) {
      const { method, url, from, to } = this.#step(session);
      let reply: Reply | null = null;
      let failure: unknown = null;
      try {
        const call = { method, url, headers: contentOf(method, from, to), body: this.#part(from, to) };
        reply = await this.#repository.once(call, this.#repository.push(), this.#doing);
      } catch (error) {
        if (!mayPass(error)) throw connectionFault(error, this.#asked());
        failure = error;
      }
      if (reply?.status === 201) {
        this.#check(reply);
        this.#tell(this.#blob.size);
        return "done";
      }
      if (reply?.status === 202 && method === "PATCH") {
        session = this.#next(session, reply, to);
        attempts.forget();
        continue;
      }
      if (reply?.status === 404) return this.#lost(reply);
      if (reply !== null && saidBy(reply).code === "DIGEST_INVALID") return this.#damaged(reply);
      const outOfStep = reply?.status === 416;
      if (reply !== null && !isBusy(reply) && !outOfStep) throw this.#repository.refusal(reply, this.#doing);
      if (!(await attempts.again(reply))) {
        throw reply === null
          ? connectionFault(failure, this.#asked())
          : this.#repository.refusal(reply, this.#doing);
      }
      const found = await this.#status(session);
      if (found === null) return this.#lost(reply);
      if (found.offset > session.offset) attempts.forget();
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

  #tell(has: number): void {
    if (has <= this.#told) return;
    this.#onBytes(has - this.#told);
    this.#told = has;
  }

  #check(reply: Reply): void {
    const reported = header(reply, "docker-content-digest");
    if (reported !== null && reported !== this.#blob.digest) {
      throw digestMismatch(this.#asked(), this.#blob.digest, reported);
    }
  }

  #damaged(reply: Reply): MlshipError {
    return digestMismatch(
      this.#asked(),
      this.#blob.digest,
      `bytes that the registry refuses: ${saidBy(reply).words}`,
    );
  }

  #lost(reply: Reply | null): MlshipError {
    return badAnswer(
      this.#asked(),
      `it has forgotten the upload that was begun${reply === null ? "" : `: ${saidBy(reply).words}`}`,
    );
  }

  #asked() {
    return this.#repository.asked(this.#doing);
  }
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
