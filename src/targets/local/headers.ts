// Which headers pass the proxy: everything but those that speak of one connection (RFC 9110 §7.6.1).

const connectionOnly = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The gateway decides how the body travels, and answers `Expect: 100-continue` itself. */
const requestFraming = new Set(["content-length", "expect"]);

/** Only the gateway may say which version answered. */
const own = new Set(["x-mlship-version", "x-mlship-revision", "x-mlship-fallback"]);

/** Names and values in turn, as in `rawHeaders`. */
export type RawHeaders = readonly string[];

/** A request's headers for the server, without the length of its body. */
export function requestHeaders(raw: RawHeaders): string[] {
  return without(raw, requestFraming);
}

/** A server's headers for the user. */
export function responseHeaders(raw: RawHeaders): string[] {
  return without(raw, own);
}

function without(raw: RawHeaders, more: ReadonlySet<string>): string[] {
  const named = namedByConnection(raw);
  const passed: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const lower = name.toLowerCase();
    if (connectionOnly.has(lower) || more.has(lower) || named.has(lower)) continue;
    passed.push(name, raw[index + 1] ?? "");
  }
  return passed;
}

// `Connection: a, b` makes a and b headers of this connection too. A request cannot take away the
// host or what describes its body in this way: the server would understand another message.
function namedByConnection(raw: RawHeaders): Set<string> {
  const named = new Set<string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if ((raw[index] ?? "").toLowerCase() !== "connection") continue;
    for (const name of (raw[index + 1] ?? "").split(",")) named.add(name.trim().toLowerCase());
  }
  for (const name of named) if (name === "host" || name.startsWith("content-")) named.delete(name);
  return named;
}
