// What the store needs from the outside world: create-only objects. Nothing is ever replaced.
import type { Digest } from "../digest.ts";

/** Bytes, or a file whose bytes must still have `digest` when they are stored. */
export type ObjectBody = Uint8Array | { file: string; digest?: Digest };

/** A folder or bucket of immutable objects. Keys use `/` and never start with it. */
export interface ObjectStore {
  /** For people and for error messages: `./.mlship/store`, `s3://acme-models/fraud`. */
  readonly location: string;
  /**
   * Writes the object unless the key exists; all of it or nothing, also when the process is killed.
   * @throws MlshipError `store.*`, exit 5, when the store refuses or is full, and
   *   `store.source-changed`, exit 2, when a file lost its digest; nothing is left behind.
   */
  create(key: string, body: ObjectBody): Promise<"created" | "exists">;
  /** The object's bytes, or null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  /** Copies the object to a local file; false when there is none. */
  download(key: string, file: string): Promise<boolean>;
  /** Bytes, or null when there is none. */
  size(key: string): Promise<number | null>;
  /** The keys below a prefix, sorted by code unit. */
  list(prefix: string): AsyncIterable<string>;
}
