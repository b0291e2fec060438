// A request's body, held in memory while it is small enough to be sent a second time.
import type { IncomingMessage } from "node:http";

/** Bytes of a body that are held, so that the request can be repeated. */
const heldBytes = 1024 * 1024;
/** Bytes of all bodies held at one time; beyond it requests are refused. */
const heldTogether = 64 * 1024 * 1024;

/** A whole body, or what has been read of one that is too large to hold. */
export type Body = { kind: "whole"; bytes: Buffer } | { kind: "stream"; head: Buffer };

/** How reading a body ended without one. */
export type NoBody = "crowded" | "gone";

/** Holds the bodies of all requests under way within one bound. */
export class Bodies {
  #held = 0;

  /**
   * Reads a body until its end or the bound. The caller calls `release` when it is done with it.
   * `crowded`: all bodies together take too much memory. `gone`: the user has left.
   */
  read(request: IncomingMessage): Promise<{ body: Body | NoBody; release: () => void }> {
    const { promise, resolve } = Promise.withResolvers<{ body: Body | NoBody; release: () => void }>();
    const chunks: Buffer[] = [];
    let size = 0;
    const release = () => {
      this.#held -= size;
      size = 0;
    };
    const finish = (body: Body | NoBody) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve({ body, release });
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      this.#held += chunk.length;
      if (this.#held > heldTogether) {
        request.pause();
        finish("crowded");
      } else if (size > heldBytes) {
        request.pause();
        finish({ kind: "stream", head: Buffer.concat(chunks) });
      }
    };
    const onEnd = () => finish({ kind: "whole", bytes: joined(chunks) });
    const onClose = () => finish("gone");
    request.on("data", onData).on("end", onEnd).on("close", onClose);
    return promise;
  }
}

function joined(chunks: Buffer[]): Buffer {
  const [only, ...more] = chunks;
  return only !== undefined && more.length === 0 ? only : Buffer.concat(chunks);
}
