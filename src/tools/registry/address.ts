// Where a registry's API answers, and under which name Docker keeps its credentials.

/** A registry as it is reached. */
export interface Address {
  /** As people write it: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  registry: string;
  /** `https://registry-1.docker.io/v2/` */
  api: URL;
  /** What `docker login` and credential helpers call it. */
  credentialKey: string;
}

/** Docker Hub answers elsewhere than its name says, and its credentials have the name of 2014. */
const hub = { names: ["docker.io", "index.docker.io"], api: "registry-1.docker.io" };
const hubKey = "https://index.docker.io/v1/";

/** Only a registry on this machine is spoken to without TLS, as Docker does by default. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.[0-9]{1,3}){3}$/.test(hostname);
}

/** @param registry host, with its port when it has one */
export function addressOf(registry: string): Address {
  if (hub.names.includes(registry)) {
    return { registry: "docker.io", api: new URL(`https://${hub.api}/v2/`), credentialKey: hubKey };
  }
  const { hostname } = new URL(`https://${registry}`);
  const scheme = isLoopback(hostname) ? "http" : "https";
  return { registry, api: new URL(`${scheme}://${registry}/v2/`), credentialKey: registry };
}

/** The host in a key of Docker's configuration, which may be a URL: `https://ghcr.io/v2/` → `ghcr.io`. */
export function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return hub.names.includes(host) || host === hub.api ? "docker.io" : host;
}
