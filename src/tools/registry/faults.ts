// What a registry's refusals and failures mean, in words, with what to do.
import { z } from "zod";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { header, type Reply } from "./http.ts";

/** What was asked of a registry when it failed. */
export interface Asked {
  /** As people write it: `ghcr.io`. */
  registry: string;
  /** `acme/fraud`, or null for the registry itself. */
  repository: string | null;
  /** For people, after "could not": `read the manifest`, `upload sha256:12…`. */
  doing: string;
}

const name = ({ registry, repository }: Asked) =>
  repository === null ? registry : `${registry}/${repository}`;

const errorBody = z.looseObject({
  errors: z.array(z.looseObject({ code: z.string().default(""), message: z.string().default("") })).min(1),
});

/** The registry's own words about a refusal: `NAME_UNKNOWN: repository name not known to registry`. */
export function saidBy(reply: Reply): { code: string; words: string } {
  const status = `it answered ${reply.status}`;
  try {
    const [first] = errorBody.parse(JSON.parse(reply.body.toString("utf8"))).errors;
    const words = [first?.code, first?.message].filter(Boolean).join(": ").slice(0, 300);
    return { code: first?.code ?? "", words: words === "" ? status : `${status}, ${words}` };
  } catch {
    return { code: "", words: status };
  }
}

/** The error of a reply that is no success. */
export function refusal(reply: Reply, asked: Asked): MlshipError {
  const { code, words: why } = saidBy(reply);
  const { status } = reply;
  if (status === 401 || status === 403) return denied(asked, why);
  if (status === 429) return rateLimit(asked, why);
  if (status === 413 || code === "SIZE_INVALID") {
    return new MlshipError({
      code: "registry.too-large",
      what: `${name(asked)} does not take something of this size: could not ${asked.doing}`,
      why,
      fix: "make the model or its libraries smaller, or raise the limit of the registry or of the proxy before it",
      exit: "unavailable",
    });
  }
  if (status === 404) {
    return new MlshipError({
      code: "registry.missing-repository",
      what: `${name(asked)} is not there: could not ${asked.doing}`,
      why,
      fix: "create the repository at the registry, or correct its name; some registries say this when you may not see it",
      exit: "unavailable",
    });
  }
  if (status === 405) {
    return new MlshipError({
      code: "registry.read-only",
      what: `${name(asked)} takes nothing: could not ${asked.doing}`,
      why,
      fix: "end the registry's read-only mode, or set image.repository to one that takes images",
      exit: "unavailable",
    });
  }
  if (status >= 500) {
    return new MlshipError({
      code: "registry.failing",
      what: `${asked.registry} fails: could not ${asked.doing}`,
      why,
      fix: "run the command again later: what has arrived is not sent again",
      exit: "unavailable",
    });
  }
  return badAnswer(asked, why);
}

/** The registry said something that the distribution specification does not have. */
export function badAnswer(asked: Asked, why: string): MlshipError {
  return new MlshipError({
    code: "registry.bad-answer",
    what: `${asked.registry} gave an answer that is not a registry's: could not ${asked.doing}`,
    why,
    fix: `make sure that ${asked.registry} is a container registry that follows the OCI distribution specification`,
    exit: "unavailable",
  });
}

/** Credentials are missing, wrong, or not enough. */
export function denied(asked: Asked, why: string): MlshipError {
  return new MlshipError({
    code: "registry.denied",
    what: `${name(asked)} refuses access: could not ${asked.doing}`,
    why,
    fix: `run \`docker login ${asked.registry}\` as somebody who may; some registries say this when the repository is not there`,
    exit: "unavailable",
  });
}

/** @param why what the registry said, with how long it wants to be left alone */
export function rateLimit(asked: Asked, why: string): MlshipError {
  return new MlshipError({
    code: "registry.rate-limit",
    what: `${asked.registry} takes no more requests for now: could not ${asked.doing}`,
    why,
    fix: `run the command again later, or after \`docker login ${asked.registry}\`: limits are higher for known users`,
    exit: "unavailable",
  });
}

/** Bytes are not those that were asked for or sent. */
export function digestMismatch(asked: Asked, expected: Digest, found: string): MlshipError {
  return new MlshipError({
    code: "registry.digest-mismatch",
    what: `${name(asked)} gave other bytes than it should: could not ${asked.doing}`,
    why: `expected ${expected}, got ${found}; they were damaged at the registry or on the way`,
    fix: "run the command again; when it stays so, the registry or a proxy before it is broken",
    exit: "unavailable",
  });
}

/** The error of a connection that failed. An MlshipError stays what it is. */
export function connectionFault(cause: unknown, asked: Asked): MlshipError {
  if (cause instanceof MlshipError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const isTls = /^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO_|^EPROTO$/.test(code);
  return new MlshipError({
    code: "registry.unreachable",
    what: `${asked.registry} cannot be reached: could not ${asked.doing}`,
    why: message || code,
    fix: isTls
      ? "if it is a registry of your own, name its certificate authority in NODE_EXTRA_CA_CERTS"
      : "check the registry's name, that it runs, and the network; then run the command again",
    exit: "unavailable",
    cause,
  });
}

/** Milliseconds that a reply asks to wait for (RFC 9110), or null. */
export function retryAfter(reply: Reply, now: number): number | null {
  const text = header(reply, "retry-after");
  if (text === null) return null;
  if (/^[0-9]+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
