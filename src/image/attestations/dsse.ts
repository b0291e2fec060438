// DSSE v1: an envelope whose signature covers the payload and its type.

/** Signs bytes; the private key stays inside. */
export interface Signer {
  /** Base64 of the SHA-256 of the public key's DER: what a bundle names the key by. */
  readonly hint: string;
  /** @returns an ECDSA P-256 signature over the SHA-256 of the bytes, in DER. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** An envelope with one signature. The payload and the signature are base64. */
export interface Envelope {
  payload: string;
  payloadType: string;
  signatures: { sig: string }[];
}

/** The pre-authentication encoding: what is signed. Lengths are in bytes, so that nothing can move between the parts. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, "utf8");
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
}

export function sealEnvelope(payloadType: string, payload: Uint8Array, signer: Signer): Envelope {
  const signature = signer.sign(preAuthEncoding(payloadType, payload));
  return {
    payload: Buffer.from(payload).toString("base64"),
    payloadType,
    signatures: [{ sig: Buffer.from(signature).toString("base64") }],
  };
}
