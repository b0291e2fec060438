// A store's key that KMS wraps: made once, kept in the store as only KMS can open it.
import { KMSClient, DecryptCommand, GenerateDataKeyCommand } from "@aws-sdk/client-kms";
import { z } from "zod";
import { corrupt, encode, readDocument } from "../../artifacts/document.ts";
import { wrappedKeyKey } from "../../artifacts/layout.ts";
import type { ObjectStore } from "../../artifacts/ports.ts";
import { MlshipError } from "../../errors.ts";
import { idOf } from "./format.ts";
import type { StoreKeys } from "./store-key.ts";

/** Schema of `mlship.wrapped-key/v1`. */
const wrappedKeySchema = z.strictObject({
  schema: z.literal("mlship.wrapped-key/v1"),
  /** As KMS names it. */
  kmsKey: z.string(),
  /** What KMS opens; base64. */
  wrapped: z.base64(),
  /** What the key inside is called in the header of every object; hexadecimal. */
  id: z.string(),
});

type WrappedKey = z.infer<typeof wrappedKeySchema>;

/** Nothing else that KMS wraps can be taken for a store's key. */
const EncryptionContext = { mlship: "store key" };

/** How KMS is reached. */
export interface KmsOptions {
  /** Id, alias or ARN. */
  kmsKey: string;
  region: string | null;
  profile: string | null;
  signal: AbortSignal;
}

/** KMS is asked once for each command that needs the key. */
export function openKmsKey({ kmsKey, region, profile, signal }: KmsOptions): StoreKeys {
  const [, ofArn] = /^arn:[^:]*:kms:([^:]+):/.exec(kmsKey) ?? [];
  const named = ofArn ?? region;
  const client = new KMSClient({
    ...(named !== null && { region: named }),
    ...(profile !== null && { profile }),
    requestHandler: { connectionTimeout: 5000, requestTimeout: 10_000 },
  });
  let opened: Promise<Buffer | null> | null = null;

  async function read(store: ObjectStore): Promise<Buffer | null> {
    const document = await readDocument(store, wrappedKeyKey, wrappedKeySchema);
    return document === null ? null : await unwrap(store, document);
  }

  async function unwrap(store: ObjectStore, document: WrappedKey): Promise<Buffer> {
    const command = new DecryptCommand({
      KeyId: document.kmsKey,
      CiphertextBlob: Buffer.from(document.wrapped, "base64"),
      EncryptionContext,
    });
    const { Plaintext } = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw refused(kmsKey, "kms:Decrypt", error);
    });
    const key = Buffer.from(Plaintext ?? []);
    if (idOf(key).toString("hex") === document.id) return key;
    throw corrupt(store, wrappedKeyKey, "the key inside is not the one it names");
  }

  /** Of two who make a key, one keeps it in the store and both use that one. */
  async function make(store: ObjectStore): Promise<Buffer> {
    const command = new GenerateDataKeyCommand({ KeyId: kmsKey, KeySpec: "AES_256", EncryptionContext });
    const made = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw refused(kmsKey, "kms:GenerateDataKey", error);
    });
    const key = Buffer.from(made.Plaintext ?? []);
    const document = {
      schema: "mlship.wrapped-key/v1",
      kmsKey: made.KeyId ?? kmsKey,
      wrapped: Buffer.from(made.CiphertextBlob ?? []).toString("base64"),
      id: idOf(key).toString("hex"),
    };
    if ((await store.create(wrappedKeyKey, encode(document))) === "created") return key;
    const theirs = await read(store);
    if (theirs === null) throw corrupt(store, wrappedKeyKey, "it went missing while it was read");
    return theirs;
  }

  return {
    keyId: `kms:${kmsKey}`,
    async forWriting(store) {
      opened = (opened ?? read(store)).then(async (key) => key ?? (await make(store)));
      const key = await opened;
      if (key === null) throw new TypeError("a key was made and is not there");
      return key;
    },
    forReading: (store) => (opened ??= read(store)),
  };
}

function refused(kmsKey: string, action: string, error: unknown): MlshipError {
  const name = error instanceof Error ? error.name : "Error";
  return new MlshipError({
    code: "store.kms",
    what: `KMS does not let the key ${kmsKey} be used`,
    why: `${action}: ${name}: ${error instanceof Error ? error.message : String(error)}`,
    fix: "check the key's id and region in artifacts.encryption.kmsKey, the credentials, and that they allow kms:GenerateDataKey and kms:Decrypt on it",
    exit: "unavailable",
    cause: error,
  });
}
