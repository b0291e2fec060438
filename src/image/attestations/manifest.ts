// An attestation as a registry keeps it: an OCI 1.1 artifact whose subject is the image that it is about.
import { z } from "zod";
import { canonicalJson, digestBytes, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { Descriptor, StoredManifest } from "../ports.ts";
import { bundleMediaType, bundleSchema } from "./bundle.ts";
import { statementMediaType } from "./statement.ts";

const ociManifest = "application/vnd.oci.image.manifest.v1+json";
const emptyConfig = "application/vnd.oci.empty.v1+json";

const statementSchema = z.looseObject({
  subject: z
    .array(z.looseObject({ digest: z.looseObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }) }))
    .min(1),
  predicateType: z.string(),
});

/** What a file of `attestations/` says of itself. */
export interface ReadAttestation {
  predicateType: string;
  /** The manifest or index that it is to be attached to: the first subject of its statement. */
  subject: Digest;
  signed: boolean;
}

/** An artifact to push: its blobs first, then its manifest by its digest. */
export interface Referrer {
  manifest: StoredManifest;
  blobs: { digest: Digest; bytes: Uint8Array }[];
}

/**
 * Reads a signed bundle or an unsigned statement. Signatures are not verified here.
 * @throws MlshipError `image.bad-attestation`, exit 7, for anything else.
 */
export function readAttestation(bytes: Uint8Array): ReadAttestation {
  const document = parseJson(bytes);
  const bundle = bundleSchema.safeParse(document);
  const payload = bundle.success
    ? parseJson(Buffer.from(bundle.data.dsseEnvelope.payload, "base64"))
    : document;
  const statement = statementSchema.safeParse(payload);
  const first = statement.data?.subject[0];
  if (!statement.success || first === undefined) throw unreadable();
  return {
    predicateType: statement.data.predicateType,
    subject: `sha256:${first.digest.sha256}`,
    signed: bundle.success,
  };
}

/**
 * The OCI artifact of an attestation, laid out as cosign lays out bundles, so that cosign finds it.
 * @param bytes a file of `attestations/`, which becomes the artifact's only layer
 * @param subject descriptor of the manifest or index that {@link readAttestation} names
 * @throws MlshipError `image.bad-attestation` when the attestation is about another image
 */
export function attestationManifest(
  bytes: Uint8Array,
  { mediaType, digest, size }: Pick<Descriptor, "mediaType" | "digest" | "size">,
): Referrer {
  const { predicateType, subject, signed } = readAttestation(bytes);
  if (subject !== digest) throw unreadable(`it is about ${subject}, not about ${digest}`);
  const config = Buffer.from("{}");
  const artifactType = signed ? bundleMediaType : statementMediaType;
  const annotations = signed
    ? { "dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType }
    : { "in-toto.io/predicate-type": predicateType };
  const manifest = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: ociManifest,
      artifactType,
      config: { mediaType: emptyConfig, digest: digestBytes(config), size: config.length },
      layers: [{ mediaType: artifactType, digest: digestBytes(bytes), size: bytes.length }],
      subject: { mediaType, digest, size },
      annotations,
    }),
  );
  return {
    manifest: { bytes: manifest, mediaType: ociManifest, digest: digestBytes(manifest) },
    blobs: [config, bytes].map((blob) => ({ digest: digestBytes(blob), bytes: blob })),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw unreadable("it is not JSON", cause);
  }
}

function unreadable(why = "it holds no in-toto statement", cause?: unknown): MlshipError {
  return new MlshipError({
    code: "image.bad-attestation",
    what: "an attestation of the image cannot be used",
    why,
    fix: "remove the image's folder below .mlship/images and run mlship build",
    exit: "attention",
    cause,
  });
}
