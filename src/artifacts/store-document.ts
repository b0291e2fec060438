// `mlship.json` of a store: what was found out about it at its first use, and who agreed to what.
import { z } from "zod";
import { digestDocument } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { corrupt, encode, readDocument } from "./document.ts";
import { storeDocumentKey } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";
import { probeSchema, probeStore, type Probe } from "./probe.ts";
import { digestSchema } from "./release.ts";

/** Schema of `mlship.store/v1`. */
export const storeDocumentSchema = z
  .strictObject({
    schema: z.literal("mlship.store/v1"),
    /** How the store was tried out. */
    probe: probeSchema,
    /** Who said that nobody else writes to a store whose probe failed; null for a store that passed. */
    singleWriter: z.strictObject({ actor: z.string(), at: z.iso.datetime(), why: z.string() }).nullable(),
    /** The key that blobs are encrypted with before they are sent; null when they are not. */
    encryption: z.strictObject({ keyId: z.string() }).nullable(),
    digest: digestSchema,
    volatile: z.strictObject({
      /** ISO 8601. */
      at: z.iso.datetime(),
      /** `user@host`. */
      actor: z.string(),
      /** Version of mlship. */
      tool: z.string(),
    }),
  })
  .refine((document) => document.digest === digestDocument(document), {
    error: "the digest is not that of the document",
    path: ["digest"],
  });

export type StoreDocument = z.infer<typeof storeDocumentSchema>;

/** Who opens a store, and on which terms. */
export interface Opening extends Pick<StoreDocument["volatile"], "at" | "actor" | "tool"> {
  /** Whether the project says that nobody else writes: `artifacts.singleWriter`. */
  singleWriter: boolean;
}

/**
 * Opens a store to write to it. At its first use it is tried out and the result recorded; after that it
 * costs one request.
 * @throws MlshipError `store.unsafe`, exit 5, when two writers can both win and `singleWriter` is not
 *   set; `store.other-key`, exit 2; `store.newer`, exit 2; `store.corrupt`, exit 7.
 */
export async function openForWriting(store: ObjectStore, opening: Opening): Promise<StoreDocument> {
  const document = (await readStoreDocument(store)) ?? (await begin(store, opening));
  const { probe, encryption } = document;
  if (probe.fault !== null && !opening.singleWriter) throw unsafe(store, probe.fault);
  const [was, is] = [encryption?.keyId, store.encryption?.keyId];
  if (was !== is) throw otherKey(store, was, is);
  return document;
}

/** The document of a store; null before its first use. @throws MlshipError `store.newer`, `store.corrupt` */
export async function readStoreDocument(store: ObjectStore): Promise<StoreDocument | null> {
  return await readDocument(store, storeDocumentKey, storeDocumentSchema);
}

/** Of two who begin at once, one writes the document and both go by it. */
async function begin(store: ObjectStore, opening: Opening): Promise<StoreDocument> {
  const probe = await probeStore(store);
  // Nothing is recorded of a store that is not used.
  if (probe.fault !== null && !opening.singleWriter) throw unsafe(store, probe.fault);
  const document = documentOf(store, probe, opening);
  if ((await store.create(storeDocumentKey, encode(document))) === "created") return document;
  const other = await readStoreDocument(store);
  if (other === null) throw corrupt(store, storeDocumentKey, "it went missing while it was read");
  return other;
}

function documentOf(store: ObjectStore, probe: Probe, { at, actor, tool }: Opening): StoreDocument {
  const { fault } = probe;
  const content = {
    schema: "mlship.store/v1" as const,
    probe,
    singleWriter: fault === null ? null : { actor, at, why: fault },
    encryption: store.encryption ?? null,
    volatile: { at, actor, tool },
  };
  return { ...content, digest: digestDocument(content) };
}

function unsafe(store: ObjectStore, fault: string): MlshipError {
  return new MlshipError({
    code: "store.unsafe",
    what: `the store ${store.location} cannot keep two writers apart`,
    why: `it was tried out: ${fault}. A version could be lost or rewritten there`,
    fix: "use a store that honours If-None-Match: *; or set artifacts.singleWriter: true, which holds only while nobody else writes there",
    exit: "unavailable",
  });
}

function otherKey(store: ObjectStore, was: string | undefined, is: string | undefined): MlshipError {
  const named = (keyId: string | undefined) => (keyId === undefined ? "no key" : `the key ${keyId}`);
  return new MlshipError({
    code: "store.other-key",
    what: `the store ${store.location} is not written with ${named(is)}`,
    why: `it was begun with ${named(was)}, and a store has one for all of its blobs`,
    fix: "set artifacts.encryption as it was, or begin another store",
    exit: "usage",
  });
}
