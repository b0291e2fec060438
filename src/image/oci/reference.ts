// Names of images: `registry/repository:tag@digest`, in Docker's short form and in full.
import { referencePattern } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";

/** One image at one registry. */
export interface Reference {
  /** Host with its port: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  registry: string;
  /** `library/python`, `acme/fraud`. */
  repository: string;
  tag: string | null;
  digest: Digest | null;
}

/** Docker Hub, and the names that it had before. */
const hub = "docker.io";
const hubNames = new Set([hub, "index.docker.io"]);
/** Longer names are no image's: registries allow 255 characters for the repository. */
const longest = 500;

/**
 * Reads a reference as Docker does: a first part without dot and port that is not `localhost` is no
 * host, and what names no host is at Docker Hub. Neither tag nor digest means `latest`.
 * @throws MlshipError `image.bad-reference`, exit 2.
 */
export function parseReference(text: string): Reference {
  if (text.length > longest || !referencePattern.test(text)) throw bad(text);
  const [name = "", hex] = text.split("@sha256:");
  const digest: Digest | null = hex === undefined ? null : `sha256:${hex}`;
  const [, path = "", tag] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? [];
  const [first = "", ...rest] = path.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = isHost && !hubNames.has(first) ? first : hub;
  const named = isHost ? rest.join("/") : path;
  // Only hosts may have upper case, and only those that a URL can have can be reached.
  if (/[A-Z]/.test(named) || !URL.canParse(`https://${registry}/`)) throw bad(text);
  const repository = registry === hub && !named.includes("/") ? `library/${named}` : named;
  return { registry, repository, tag: tag ?? (digest === null ? "latest" : null), digest };
}

/** The reference in full; it parses to the same reference. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
}

function bad(text: string): MlshipError {
  return new MlshipError({
    code: "image.bad-reference",
    what: `${JSON.stringify(text.slice(0, longest))} is not the name of an image`,
    fix: "write it as python:3.12-slim or ghcr.io/acme/fraud:1.4.0",
    exit: "usage",
  });
}
