// What a reader of one format is given.
import type { ByteSource } from "../bytes.ts";
import type { ModelFile } from "../model.ts";

export interface Input {
  /** The bytes of the model's main file, decompressed. */
  source: ByteSource;
  /** Its path inside the model. */
  file: string;
  /** Every file of the model, the main one included, by path. */
  files: ReadonlyMap<string, ModelFile>;
  /** Opens one of them. @throws Unreadable for a file that is not the model's. */
  open(file: string): ByteSource;
  /** Names that the user allows: pickle globals, operator domains. */
  trust: readonly string[];
}
