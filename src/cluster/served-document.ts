// The document `mlship.served/v1`: how a release is served, so that any mlship can make its objects again.
import { z } from "zod";
import { canonicalJson, digestBytes, type Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { objectsOf } from "./objects.ts";
import { servedSchema } from "./served-schema.ts";
import type { Served } from "./served.ts";

/** What objects are made from, without the name of the revision: that follows from the digest. */
export interface ServedDocument extends Omit<Served, "revision"> {
  schema: "mlship.served/v1";
  /** Digest of the release. */
  release: Digest;
  /**
   * Over the objects that come of it. What does not show in them, the canary's steps and the router
   * among it, can change without another revision.
   */
  digest: Digest;
}

/** Stands for the revision while its name, which holds the digest, is not known. */
const anyRevision = "revision";

/**
 * The served document of a release.
 * @param parts of which `revision`, where there is one, does not count
 * @throws MlshipError as `objectsOf`
 */
export function makeServed(parts: Omit<Served, "revision">, release: Digest): ServedDocument {
  const { name, version, image, model, serve, deploy, evidence } = parts;
  const content = { name, version, image, model, serve, deploy, evidence };
  return { schema: "mlship.served/v1", ...content, release, digest: digestOf(content) };
}

function digestOf(content: Omit<Served, "revision">): Digest {
  const objects = objectsOf({ ...content, revision: anyRevision }).map(({ object }) => object);
  return digestBytes(canonicalJson(objects));
}

/** @throws MlshipError `cluster.served-document`, exit 7, for anything else. */
export function readServed(value: unknown): ServedDocument {
  const { data, error } = servedSchema.safeParse(value);
  if (data !== undefined) return data;
  throw new MlshipError({
    code: "cluster.served-document",
    what: "a document that says how a release is served cannot be read",
    why: z.prettifyError(error),
    fix: "use the version of mlship that wrote it, or deploy the version again",
    exit: "attention",
    cause: error,
  });
}
