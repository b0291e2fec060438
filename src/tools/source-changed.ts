// The error for a file that was changed between its digest and its way into a store.
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";

export function sourceChanged(file: string, digest: Digest, key: string): MlshipError {
  return new MlshipError({
    code: "store.source-changed",
    what: `${file} changed while it was stored`,
    why: `its bytes are no longer those of ${digest}, so ${key} was not created`,
    fix: "let the program that writes the file finish, then run the same command again",
    exit: "usage",
  });
}
