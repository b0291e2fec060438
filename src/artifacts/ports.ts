// What the store needs from the outside world: create-only objects. Nothing is ever replaced.

/** A folder or bucket of immutable objects. Keys use `/` and never start with it. */
export interface ObjectStore {
  /** For people and for error messages: `./.mlship/store`, `s3://acme-models/fraud`. */
  readonly location: string;
  /**
   * Writes the object unless the key exists; all of it or nothing, also when the process is killed.
   * @throws MlshipError `store.*`, exit 5, when the store refuses or is full; nothing is left behind.
   */
  create(key: string, body: Uint8Array | { file: string }): Promise<"created" | "exists">;
  /** The object's bytes, or null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  /** Copies the object to a local file; false when there is none. */
  download(key: string, file: string): Promise<boolean>;
  /** Bytes, or null when there is none. */
  size(key: string): Promise<number | null>;
  /** The keys below a prefix, sorted by code unit. */
  list(prefix: string): AsyncIterable<string>;
}
