// in-toto Statement v1: what is said about which images.
import type { Digest } from "../../digest.ts";

/** Types of the predicates that mlship writes, as verifiers name them. */
export const predicateTypes = {
  cyclonedx: "https://cyclonedx.org/bom",
  testResult: "https://in-toto.io/attestation/test-result/v0.1",
  provenance: "https://slsa.dev/provenance/v1",
  spdx: "https://spdx.dev/Document",
} as const;

/** Media type of a statement in DSSE's payload type and in a registry. */
export const statementMediaType = "application/vnd.in-toto+json";

/** An image that a statement is about. */
export interface Subject {
  name: string;
  digest: Digest;
}

/** What an in-toto document says of a thing: a name, and its digest. */
export interface ResourceDescriptor {
  name?: string;
  uri?: string;
  digest?: Record<string, string>;
  annotations?: Record<string, unknown>;
}

/** A statement, whatever its predicate is. */
export interface Statement {
  _type: "https://in-toto.io/Statement/v1";
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: string;
  predicate: object;
}

/** @param subjects the first one is the manifest or index that the statement is attached to. */
export function makeStatement(
  predicateType: string,
  subjects: readonly [Subject, ...Subject[]],
  predicate: object,
): Statement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects.map(({ name, digest }) => ({ name, digest: { sha256: hexOf(digest) } })),
    predicateType,
    predicate,
  };
}

/** The 64 digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}
