// Secrets that the build of an image may read: where uv and pip find private indexes, as on this machine.
import type { BuildSecret } from "../ports.ts";

/** All of them, for the Dockerfile, which is the same whether they are set or not. */
export const indexSecrets: readonly BuildSecret[] = [
  { id: "uv-default-index", variable: "UV_DEFAULT_INDEX" },
  { id: "uv-index", variable: "UV_INDEX" },
  { id: "uv-index-url", variable: "UV_INDEX_URL" },
  { id: "uv-extra-index-url", variable: "UV_EXTRA_INDEX_URL" },
  { id: "pip-index-url", variable: "PIP_INDEX_URL" },
];

/** Those whose variable is set here: a builder passes these on. */
export function secretsSetIn(env: Readonly<Record<string, string | undefined>>): BuildSecret[] {
  return indexSecrets.filter(({ variable }) => Boolean(env[variable]));
}
