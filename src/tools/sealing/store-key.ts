// Where a store's key comes from: 32 bytes from which the keys of all of its objects follow.
import type { ObjectStore } from "../../artifacts/ports.ts";

/** A way to the key. */
export interface StoreKeys {
  /** What the key is called in the store's document. It says nothing about the key. */
  readonly keyId: string;
  /**
   * The key to write with. At the first use of the store it may be made.
   * @throws MlshipError `store.*`
   */
  forWriting(store: ObjectStore): Promise<Buffer>;
  /** The key to read with; null when nothing was ever written with it. */
  forReading(store: ObjectStore): Promise<Buffer | null>;
}
