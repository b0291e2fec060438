// Finds the key that signs what is said about a project's image: MLSHIP_SIGNING_KEY, or the file in image.signingKey.
import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { MlshipError } from "../errors.ts";
import { readSigningKey, type SigningKey } from "../image/attestations/key.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";

/** A key, and where it came from in a reader's words. */
export interface FoundKey {
  key: SigningKey;
  /** `the variable MLSHIP_SIGNING_KEY`, or a path relative to the project. */
  where: string;
}

/**
 * The project's signing key; null when none is configured. The variable wins, for CI.
 * @throws MlshipError `keys.*`: missing, locked, exposed to other users, or where it would be shipped.
 */
export async function openSigner(project: Project, host: Host): Promise<FoundKey | null> {
  const password = passwordOf(host);
  const variable = host.env["MLSHIP_SIGNING_KEY"];
  if (variable) {
    const where = "the variable MLSHIP_SIGNING_KEY";
    return { key: readSigningKey(variable, password, where), where };
  }
  const { signingKey: file } = project.config.image;
  if (file === null) return null;
  const where = path.relative(project.config.folder, file) || file;
  await checkPlace(file, where, project);
  return { key: readSigningKey(await readKey(file, where), password, where), where };
}

/** What a private key is encrypted with; null when it is not to be. */
export function passwordOf({ env }: Pick<Host, "env">): string | null {
  return env["MLSHIP_KEY_PASSWORD"] || null;
}

/**
 * A private key must not lie where mlship copies files from: the model's folder, or `deploy`.
 * @throws MlshipError `keys.in-image`, exit 2
 */
export async function checkPlace(file: string, where: string, { config }: Project): Promise<void> {
  const real = await realOf(file);
  for (const folder of [config.model.path, path.join(config.folder, "deploy")]) {
    const inside = path.relative(await realOf(folder), real);
    if (inside !== "" && (inside === ".." || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)))
      continue;
    throw new MlshipError({
      code: "keys.in-image",
      what: `the private key ${where} is in ${path.relative(config.folder, folder) || folder}, which goes into the image`,
      fix: "move the key out of that folder and correct image.signingKey in mlship.yaml",
      exit: "usage",
    });
  }
}

async function readKey(file: string, where: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    // Group and others may do nothing with it, as ssh demands it of its keys.
    if ((mode & 0o077) !== 0) throw exposed(where, mode);
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof MlshipError) throw cause;
    throw new MlshipError({
      code: "keys.missing",
      what: `there is no private key that can be read at ${where}`,
      fix: "make one with mlship keys new, or correct image.signingKey in mlship.yaml",
      exit: "unavailable",
      cause,
    });
  }
}

function exposed(where: string, mode: number): MlshipError {
  return new MlshipError({
    code: "keys.exposed",
    what: `other users of this machine can use the private key ${where}`,
    why: `its mode is ${(mode & 0o777).toString(8).padStart(4, "0")}`,
    fix: `run chmod 600 ${where}; if somebody may have read it, make a new one`,
    exit: "usage",
  });
}

/** The path without links; of what does not exist yet, its folder's with its name. */
async function realOf(file: string): Promise<string> {
  return await realpath(file).catch(async () => {
    const folder = await realpath(path.dirname(file)).catch(() => path.dirname(file));
    return path.join(folder, path.basename(file));
  });
}
