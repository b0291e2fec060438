// `mlship keys new` and `mlship keys show`: the pair that signs what is said about an image.
import { link, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { MlshipError } from "../errors.ts";
import type { Digest } from "../digest.ts";
import { makeKeyPair, readSigningKey } from "../image/attestations/key.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";
import { checkPlace, openSigner, passwordOf } from "./signer.ts";

/** A key pair without its secret. */
export interface ShownKey {
  schema: "mlship.key/v1";
  /** File of the private key, or the variable that holds it. */
  from: string;
  /** File of the public key; null when none was written. */
  publicFile: string | null;
  /** SubjectPublicKeyInfo PEM. */
  publicKey: string;
  /** SHA-256 of the public key's DER. */
  fingerprint: Digest;
  /** Whether a password protects the private key; null when it is not known. */
  encrypted: boolean | null;
}

/** Where `mlship keys new` writes to when it is not told. */
const defaultFile = "mlship.key";

/**
 * Makes a pair: the private key in a file of mode 0600, the public key beside it.
 * @throws MlshipError `keys.exists`, exit 2: a key is never overwritten; `keys.in-image`.
 */
export async function newKey(
  { output = defaultFile }: { output: string | undefined },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<ShownKey>> {
  const privateFile = path.resolve(host.cwd, output);
  const publicFile = `${privateFile}.pub`;
  const shown = (file: string) => path.relative(host.cwd, file) || file;
  const project = await openProject(host, selection);
  await checkPlace(privateFile, shown(privateFile), project);
  for (const file of [privateFile, publicFile]) if (await isThere(file)) throw exists(shown(file));
  const password = passwordOf(host);
  const texts = makeKeyPair(password);
  await writeNew(privateFile, texts.privateKey, 0o600, host, shown(privateFile));
  await writeNew(publicFile, texts.publicKey, 0o644, host, shown(publicFile));
  const { publicKey, fingerprint } = readSigningKey(texts.privateKey, password, shown(privateFile));
  return {
    document: {
      schema: "mlship.key/v1",
      from: shown(privateFile),
      publicFile: shown(publicFile),
      publicKey,
      fingerprint,
      encrypted: password !== null,
    },
    exit: "done",
  };
}

/** The public half of the key that the project signs with. @throws MlshipError `keys.none`, exit 2 */
export async function showKey(host: Host, selection: ProjectOptions): Promise<Result<ShownKey>> {
  const found = await openSigner(await openProject(host, selection), host);
  if (found === null) {
    throw new MlshipError({
      code: "keys.none",
      what: "the project has no signing key",
      fix: "make one with mlship keys new and name it as image.signingKey in mlship.yaml, or set MLSHIP_SIGNING_KEY",
      exit: "usage",
    });
  }
  const { publicKey, fingerprint } = found.key;
  const document = { publicFile: null, publicKey, fingerprint, encrypted: null, from: found.where };
  return { document: { schema: "mlship.key/v1", ...document }, exit: "done" };
}

/** Writes a file that must not exist, whole or not at all. */
async function writeNew(file: string, text: string, mode: number, host: Host, shown: string): Promise<void> {
  const part = `${file}.${host.nonce()}.part`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await writeFile(part, text, { flag: "wx", mode });
    await link(part, file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw exists(shown);
    throw error;
  } finally {
    await rm(part, { force: true });
  }
}

async function isThere(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  );
}

function exists(file: string): MlshipError {
  return new MlshipError({
    code: "keys.exists",
    what: `${file} is there already`,
    why: "what an overwritten key has signed can no longer be signed again",
    fix: "give another name with --output, or move the file away",
    exit: "usage",
  });
}
