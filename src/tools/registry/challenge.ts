// What a registry wants to be shown: the header WWW-Authenticate of its 401.

export type Challenge =
  | { kind: "basic" }
  | { kind: "bearer"; realm: string; service: string | null; scope: string | null };

/**
 * Reads the header (RFC 9110, and the distribution specification for Bearer).
 * @returns null when it asks for nothing that is known; Bearer when it offers both
 */
export function parseChallenge(text: string | null): Challenge | null {
  if (text === null) return null;
  const bearer = /(?:^|,\s*)bearer\s+(.*)$/i.exec(text)?.[1];
  if (bearer !== undefined) {
    const values = new Map<string, string>();
    for (const [, name = "", quoted, bare] of bearer.matchAll(
      /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/gi,
    )) {
      const value = quoted?.replaceAll(/\\(.)/g, "$1") ?? bare ?? "";
      if (!values.has(name.toLowerCase())) values.set(name.toLowerCase(), value);
    }
    const realm = values.get("realm");
    if (realm) {
      return {
        kind: "bearer",
        realm,
        service: values.get("service") ?? null,
        scope: values.get("scope") ?? null,
      };
    }
  }
  return /(?:^|,\s*)basic(?:\s|$)/i.test(text) ? { kind: "basic" } : null;
}
