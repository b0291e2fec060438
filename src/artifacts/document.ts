// Reads the store's JSON documents, and says what is wrong with one that is not as it should be.
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import type { ObjectStore } from "./ports.ts";

/**
 * The document at a key, or null when there is none.
 * @throws MlshipError `store.newer`, exit 2, for a document of a later mlship; `store.corrupt`,
 *   exit 7, for one that does not fit its schema.
 */
export async function readDocument<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const bytes = await store.read(key);
  if (bytes === null) return null;
  const document = parse(Buffer.from(bytes).toString("utf8"));
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const found = z.object({ schema: z.string() }).safeParse(document);
  if (found.success && result.error.issues.some((issue) => issue.path[0] === "schema")) {
    throw new MlshipError({
      code: "store.newer",
      what: `${key} in the store ${store.location} is of a kind that this mlship does not know`,
      why: `it says ${JSON.stringify(found.data.schema)}`,
      fix: "use the version of mlship that wrote it, or a newer one",
      exit: "usage",
    });
  }
  throw corrupt(store, key, z.prettifyError(result.error));
}

/** The error for an object that is not what its name says. */
export function corrupt(store: ObjectStore, key: string, why: string): MlshipError {
  return new MlshipError({
    code: "store.corrupt",
    what: `${key} in the store ${store.location} is damaged`,
    why,
    fix: "restore this object from a copy of the store, or release the same files as a new version",
    exit: "attention",
  });
}

/**
 * What is wrong with the object that could not be read.
 * @throws the error itself, when it says nothing about the object: the store could not be reached
 */
export function whyDamaged(error: unknown): string {
  const isAboutObject = error instanceof MlshipError && ["attention", "usage"].includes(error.exit);
  if (!isAboutObject) throw error;
  return error.why ?? error.what;
}

/** The bytes of a document, the same for equal documents. */
export function encode(document: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
