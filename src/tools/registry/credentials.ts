// The credentials that Docker has for a registry: its configuration, its helpers, DOCKER_AUTH_CONFIG.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Variables } from "../process.ts";
import { type Address, hostOfKey } from "./address.ts";
import { askHelper } from "./credential-helper.ts";

/** What a registry or its token server is shown. */
export type Credentials =
  | { kind: "password"; username: string; password: string }
  /** A refresh token, exchanged for an access token. */
  | { kind: "identity"; token: string }
  /** An access token, shown as it is. */
  | { kind: "bearer"; token: string };

/** Where credentials are looked for. */
export interface CredentialPlaces {
  env: Variables;
  /** Home folder, for `.docker/config.json`. */
  home: string;
  signal: AbortSignal;
}

const entry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const configSchema = z.looseObject({
  auths: z.record(z.string(), entry).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});
type DockerConfig = z.infer<typeof configSchema>;

/**
 * Finds the credentials for one registry, and no other. Null when Docker has none: then it is asked
 * without. DOCKER_AUTH_CONFIG wins over the file, a helper over what the file itself holds.
 * @throws MlshipError `registry.credentials`, exit 5, when what Docker has cannot be read.
 */
export async function findCredentials(
  address: Address,
  places: CredentialPlaces,
): Promise<Credentials | null> {
  const inline = places.env["DOCKER_AUTH_CONFIG"];
  if (inline) {
    const found = entryFor(parseConfig(inline, "the variable DOCKER_AUTH_CONFIG"), address);
    if (found !== null) return found;
  }
  const folder = places.env["DOCKER_CONFIG"] || path.join(places.home, ".docker");
  const file = path.join(folder, "config.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw unreadable(file, error.message, error);
  });
  if (text === null || text.trim() === "") return null;
  const config = parseConfig(text, file);
  const helper = helperFor(config, address);
  const kept = helper === null ? null : await askHelper(helper, address, places);
  return kept ?? entryFor(config, address);
}

function helperFor({ credHelpers, credsStore }: DockerConfig, address: Address): string | null {
  const own = Object.entries(credHelpers).find(([key]) => hostOfKey(key) === address.registry);
  return own?.[1] || credsStore || null;
}

function entryFor({ auths }: DockerConfig, address: Address): Credentials | null {
  const exact = auths[address.credentialKey];
  const found = exact ?? Object.entries(auths).find(([key]) => hostOfKey(key) === address.registry)?.[1];
  if (found === undefined) return null;
  const { auth, identitytoken, registrytoken } = found;
  if (identitytoken) return { kind: "identity", token: identitytoken };
  if (registrytoken) return { kind: "bearer", token: registrytoken };
  const { username, password } = auth ? decodeAuth(auth) : found;
  return username && password ? { kind: "password", username, password } : null;
}

/** `auth` is base64 of `user:password`; some writers end it with NUL bytes. */
function decodeAuth(auth: string): { username: string; password: string } {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  return { username: text.slice(0, Math.max(0, colon)), password: text.slice(colon + 1) };
}

function parseConfig(text: string, where: string): DockerConfig {
  try {
    return configSchema.parse(JSON.parse(text));
  } catch {
    // The cause would quote the text, which holds secrets.
    throw unreadable(where, "it is not the JSON that Docker writes");
  }
}

function unreadable(where: string, why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "registry.credentials",
    what: `Docker's credentials in ${where} cannot be read`,
    why,
    fix: "correct it, or remove it and run `docker login` again",
    exit: "unavailable",
    cause,
  });
}
