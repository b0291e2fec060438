// What the store needs from the outside world: create-only objects. Nothing is ever replaced.
import type { Digest } from "../digest.ts";

/** Bytes, or a file of `size` bytes that must still have `digest` when they are stored. */
export type ObjectBody = Uint8Array | { file: string; size: number; digest: Digest };

/** Told how many more bytes of a body have reached the store, or were found there. */
export type OnBytes = (bytes: number) => void;

/** A folder or bucket of immutable objects. Keys use `/` and never start with it. */
export interface ObjectStore {
  /** For people and for error messages: `./.mlship/store`, `s3://acme-models/fraud`. */
  readonly location: string;
  /** The key that blobs are encrypted with before they are sent; absent when they are sent as they are. */
  readonly encryption?: { keyId: string };
  /**
   * Writes the object unless the key exists; all of it or nothing, also when the process is killed.
   * Who creates is decided by the store itself, in one step: of many writers one is told "created".
   * @throws MlshipError `store.*`, exit 5, when the store refuses or is full, and
   *   `store.source-changed`, exit 2, when a file lost its digest; nothing is left behind.
   */
  create(key: string, body: ObjectBody, onBytes?: OnBytes): Promise<"created" | "exists">;
  /** The object's bytes, or null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  /** Copies the object to a local file; false when there is none. */
  download(key: string, file: string, onBytes?: OnBytes): Promise<boolean>;
  /** Bytes of the body that was created, or null when there is none. */
  size(key: string): Promise<number | null>;
  /** The keys below a prefix, sorted by code unit; only those that sort behind `after`. */
  list(prefix: string, after?: string): AsyncIterable<string>;
}

/** An object as the store keeps it. */
export interface KeptObject {
  key: string;
  /** Bytes that it takes. */
  size: number;
  /** When it was created, by the store's own clock. */
  at: Date;
}

/** Bytes on their way to a key: a multipart upload that was not completed, a file that has no name yet. */
export interface UnfinishedObject {
  /** Null where only the store's own temporary name is known. */
  key: string | null;
  id: string;
  at: Date;
}

/** What `mlship gc` alone may do to a store: everything else creates and reads. */
export interface Sweeper {
  /** The store's clock, which `at` is of. */
  now(): Promise<Date>;
  kept(prefix: string): AsyncIterable<KeptObject>;
  unfinished(): AsyncIterable<UnfinishedObject>;
  /** Removes an object; one that is gone is no error. "locked": the store keeps it until its lock ends. */
  remove(key: string): Promise<"removed" | "locked">;
  abandon(upload: UnfinishedObject): Promise<void>;
}

/** How a bucket keeps what is in it. Null stands for what it does not tell, or not to this user. */
export interface Keeping {
  /** The store's clock. */
  now: Date;
  /** Whether an object that was removed can be had again. */
  versioning: boolean | null;
  /** Whether objects can be locked against removal. */
  lock: boolean | null;
  /** Whether rules remove unfinished uploads, and objects of the store, when they grow old. */
  lifecycle: { aborts: boolean; expires: boolean } | null;
}
