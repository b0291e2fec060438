// Looks for secrets among the files of an image: a key that is in a layer can never be taken back.
import { createReadStream } from "node:fs";
import path from "node:path";
import { MlshipError, type Problem } from "../../errors.ts";

/** Names that keys and passwords go by. */
const names: readonly [RegExp, string][] = [
  [/^\.env(\..+)?$/i, "variables of an environment"],
  [/^(\.netrc|_netrc|\.pypirc|\.npmrc|\.pgpass|\.git-credentials|\.htpasswd)$/i, "passwords"],
  [/^id_(rsa|dsa|ecdsa|ed25519)$/i, "a private key of SSH"],
  [/\.(pem|key|pfx|p12|jks|keystore|ppk|kdbx|age)$/i, "a key"],
  [/^(credentials|\.credentials)(\.(json|csv|ini|toml|ya?ml))?$/i, "credentials"],
  [/^(client_secret.*|service[-_]?account.*)\.json$/i, "credentials of a cloud"],
  [/^(kubeconfig|\.dockerconfigjson|\.dockercfg)$/i, "credentials"],
];

/** What keys begin with, and what they look like from there on. Each begins with its literal, so that large files are searched fast. */
const contents: readonly [literal: string, shape: RegExp, about: string][] = [
  ["-----BEGIN ", /^-----BEGIN ([A-Z]+ )*PRIVATE KEY( BLOCK)?-----/, "a private key"],
  ["PuTTY-User-Key-File-", /^PuTTY-User-Key-File-\d/, "a private key of PuTTY"],
  ["AGE-SECRET-KEY-", /^AGE-SECRET-KEY-1[0-9A-Z]{58}/, "a private key of age"],
  ["AKIA", /^AKIA[0-9A-Z]{16}(?![0-9A-Za-z])/, "a key of AWS"],
  ["ASIA", /^ASIA[0-9A-Z]{16}(?![0-9A-Za-z])/, "a key of AWS"],
  ["aws_secret_access_key", /^aws_secret_access_key["']?\s*[=:]\s*["']?[0-9A-Za-z/+]{40}/, "a key of AWS"],
  ["AccountKey=", /^AccountKey=[0-9A-Za-z/+]{60,}={0,2}/, "a key of Azure"],
  ["AIza", /^AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])/, "a key of Google"],
  ["ghp_", /^ghp_[0-9A-Za-z]{36}/, "a token of GitHub"],
  ["gho_", /^gho_[0-9A-Za-z]{36}/, "a token of GitHub"],
  ["ghs_", /^ghs_[0-9A-Za-z]{36}/, "a token of GitHub"],
  ["github_pat_", /^github_pat_[0-9A-Za-z_]{50}/, "a token of GitHub"],
  ["glpat-", /^glpat-[0-9A-Za-z_-]{20}/, "a token of GitLab"],
  ["hf_", /^hf_[0-9A-Za-z]{34}(?![0-9A-Za-z])/, "a token of Hugging Face"],
  ["npm_", /^npm_[0-9A-Za-z]{36}(?![0-9A-Za-z])/, "a token of npm"],
  ["pypi-AgE", /^pypi-AgE[0-9A-Za-z_-]{50}/, "a token of PyPI"],
  ["xoxb-", /^xoxb-[0-9A-Za-z-]{20}/, "a token of Slack"],
  ["xoxp-", /^xoxp-[0-9A-Za-z-]{20}/, "a token of Slack"],
  ["sk_live_", /^sk_live_[0-9A-Za-z]{24}/, "a key of Stripe"],
  ["dckr_pat_", /^dckr_pat_[0-9A-Za-z_-]{20}/, "a token of Docker"],
];

/** Longest text that a shape may need; chunks overlap by so much. */
const reach = 200;

/**
 * Refuses files that are, or that hold, what looks like a secret.
 * @param files path in the image, and where its bytes are
 * @throws MlshipError `image.secret`, exit 2, with each file and what kind of secret, never the secret.
 */
export async function refuseSecrets(files: readonly { path: string; from: string }[]): Promise<void> {
  const problems: Problem[] = [];
  for (const { path: name, from } of files) {
    const found =
      secretName(name) ?? (await secretContent(createReadStream(from, { highWaterMark: 1 << 20 })));
    if (found !== null) problems.push({ what: `${name} looks like ${found}` });
  }
  if (problems.length === 0) return;
  throw new MlshipError({
    code: "image.secret",
    what: "there is a secret among the files of the image",
    why: "whoever can pull an image can read all of its files, also those that a later layer deletes",
    fix: "take it out of the model's folder or the handler, let the server get it when it runs, and replace it if it was ever published",
    exit: "usage",
    problems,
  });
}

/** What kind of secret a file is by its name, or null. */
export function secretName(file: string): string | null {
  const base = path.posix.basename(file);
  return names.find(([pattern]) => pattern.test(base))?.[1] ?? null;
}

/** What kind of secret a stream of bytes holds, or null. */
export async function secretContent(chunks: AsyncIterable<Uint8Array>): Promise<string | null> {
  let kept = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const window = Buffer.concat([kept, chunk]);
    // What begins close to the end is looked at again, with what comes behind it.
    const found = search(window, window.length - reach);
    if (found !== null) return found;
    kept = Buffer.from(window.subarray(Math.max(0, window.length - reach)));
  }
  return search(kept, kept.length);
}

/** The first secret that begins before `end`. */
function search(window: Buffer, end: number): string | null {
  for (const [literal, shape, about] of contents) {
    for (let at = window.indexOf(literal); at >= 0 && at < end; at = window.indexOf(literal, at + 1)) {
      if (shape.test(window.toString("latin1", at, at + reach))) return about;
    }
  }
  return null;
}
