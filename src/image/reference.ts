// Names of images: `registry/repository:tag@digest`, in Docker's short form and in full.
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";

/** One image at one registry. */
export interface Reference {
  /** Host with its port: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  registry: string;
  /** `library/python`, `acme/fraud`. */
  repository: string;
  tag: string | null;
  digest: Digest | null;
}

const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const pattern = new RegExp(
  `^(?:((?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?)/)?(${part}(?:/${part})*)` +
    "(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$",
);

/**
 * Reads a reference as Docker does: a first part without dot and port that is not `localhost` is no
 * host, and what names no host is at Docker Hub. Neither tag nor digest means `latest`.
 * @throws MlshipError `image.bad-reference`, exit 2.
 */
export function parseReference(text: string): Reference {
  const [, host, path, tag, digest] = pattern.exec(text) ?? [];
  if (path === undefined || text.length > 500) {
    throw new MlshipError({
      code: "image.bad-reference",
      what: `${JSON.stringify(text)} is not the name of an image`,
      fix: "write it as python:3.12-slim or ghcr.io/acme/fraud:1.4.0",
      exit: "usage",
    });
  }
  const isHost = host !== undefined && (/[.:]/.test(host) || host === "localhost");
  const registry = isHost ? host : "docker.io";
  const named = host === undefined || isHost ? path : `${host}/${path}`;
  const repository = registry === "docker.io" && !named.includes("/") ? `library/${named}` : named;
  const sha256 = (digest as Digest | undefined) ?? null;
  return { registry, repository, tag: tag ?? (sha256 === null ? "latest" : null), digest: sha256 };
}

/** The reference in full; it parses to the same reference. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
}
