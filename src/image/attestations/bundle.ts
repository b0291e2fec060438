// Sigstore bundle v0.3: a DSSE envelope with what a verifier needs to know of its key, and no transparency log.
import { z } from "zod";
import { sealEnvelope, type Signer } from "./dsse.ts";
import { statementMediaType } from "./statement.ts";

/** Media type of a bundle, in its own text and in a registry. */
export const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** The parts of a bundle that mlship writes; others may say more. */
export const bundleSchema = z.looseObject({
  mediaType: z.literal(bundleMediaType),
  dsseEnvelope: z.looseObject({
    payload: z.base64(),
    payloadType: z.literal(statementMediaType),
    signatures: z.array(z.looseObject({ sig: z.base64() })).length(1),
  }),
});

/** Signs a statement. @param statement its JSON in UTF-8; the bundle carries these bytes. */
export function makeBundle(statement: Uint8Array, signer: Signer): object {
  return {
    mediaType: bundleMediaType,
    verificationMaterial: { publicKey: { hint: signer.hint }, tlogEntries: [] },
    dsseEnvelope: sealEnvelope(statementMediaType, statement, signer),
  };
}
