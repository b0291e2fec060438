// The router's haproxy.cfg: which request goes to the canary, what is tried again, and where it is counted.
import { MlshipError } from "../errors.ts";
import type { Served } from "./served.ts";
import { servicePort } from "./service.ts";

/** Ports of the router: for users, for the kubelet's probes, and inside its pod only for shares and counters. */
export const routerPorts = { users: 8080, health: 8081, runtime: 9999 };

/** Folder of the router's files in its container. */
export const routerFolder = "/etc/mlship-router";

/** The map that holds the canary's share. A router that starts reads 0 from the file; the share in force is in memory only. */
export const shareMap = `${routerFolder}/share.map`;

/** A share of 1. Shares are whole millionths. */
export const shareOne = 1_000_000;

/** The file behind `shareMap`. `turn` moves the users who stay on one side, so that not always the same meet a canary first. */
export const shareMapText = "canary 0\nturn 0\n";

/** Bytes of a request: what is longer cannot be kept to be sent again. With its head and HAProxy's own it must fit into a buffer. */
export const longestReplay = 49_152;
const bufferBytes = 65_536;

/** What the configuration is made from. */
export interface RouterValues {
  /** Addresses of the Services `S-stable` and `S-canary` in the cluster. */
  stable: string;
  canary: string;
  serve: Served["serve"];
  sticky: Served["deploy"]["router"]["sticky"];
  /** The header that users are told apart by, with `sticky: header`. */
  header: string | null;
}

/** The cookie that keeps a user's place, with `sticky: cookie`. It names no revision. */
const cookie = "mlship-point";

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,39})$/;
const headerName = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/**
 * The configuration.
 *
 * A request gets a point from 0 to a million, and goes to the canary when it lies below the share.
 * Points come one after the other from a Weyl sequence (a count times 618033, modulo a million:
 * the golden ratio), so that the share is exact in every stretch of requests and nothing repeats
 * with traffic that repeats itself.
 *
 * The backend `canary` has stable in it too, for what the canary fails; the canary's weight there
 * is 0 and only `use-server` reaches it. So a retry always goes to stable and never the other way:
 * the canary's counters hold its share of the requests and nothing that stable failed before.
 * What cannot be sent again, and what asks for a side, has backends of its own and is no evidence.
 * @throws MlshipError `cluster.router`, exit 2, for a value that is not what it must be.
 */
export function routerConfig(values: RouterValues): string {
  const { serve, canary, stable } = values;
  const replays = serve.idempotent;
  const seconds = Math.ceil(serve.timeoutMs / 1000) + 1;
  const family = stable.includes(":") ? "ipv6@:" : "ipv4@:";
  const asked = "req.hdr(x-mlship-revision) -m str";
  return [
    "global",
    "  log stdout format raw daemon notice",
    `  stats socket ipv4@127.0.0.1:${routerPorts.runtime} level admin`,
    "  stats timeout 10m",
    "  maxconn 1000",
    "  nbthread 2",
    `  tune.bufsize ${bufferBytes}`,
    "  hard-stop-after 60s",
    "",
    "defaults",
    "  mode http",
    "  timeout connect 1s",
    "  timeout client 60s",
    "  timeout http-request 30s",
    "  timeout http-keep-alive 60s",
    `  timeout server ${whole(seconds)}s`,
    "  option http-server-close",
    "  http-reuse never",
    "  option http-buffer-request",
    "  option forwardfor",
    "  retries 2",
    "  option redispatch 1",
    `  retry-on conn-failure${replays ? " empty-response" : ""}`,
    "",
    "backend points",
    "  stick-table type integer size 1 store gpc0",
    "",
    "frontend health",
    `  bind ${family}${routerPorts.health}`,
    "  monitor-uri /ready",
    "",
    "frontend users",
    `  bind ${family}${routerPorts.users}`,
    `  acl asks-canary ${asked} canary`,
    `  acl asks-stable ${asked} stable`,
    ...(replays ? [`  acl large req.body_size gt ${longestReplay}`] : []),
    ...points(values),
    `  http-request set-var(txn.share) str(canary),map_str_int(${shareMap},0)`,
    "  http-request set-var(txn.left) var(txn.point),sub(txn.share)",
    "  use_backend asked-canary if asks-canary",
    "  use_backend asked-stable if asks-stable",
    ...(replays ? ["  use_backend large if large"] : []),
    "  use_backend canary if { var(txn.left) -m int lt 0 }",
    "  default_backend stable",
    ...keepPlace(values),
    "",
    "backend stable",
    server("stable", stable),
    "",
    "backend canary",
    ...(replays
      ? ["  retry-on conn-failure empty-response response-timeout junk-response 500 502 503 504"]
      : []),
    "  http-response set-header x-mlship-fallback 1 if { srv_name -m str stable }",
    "  use-server canary if TRUE",
    // Found gone within a second, it costs no user a connection that is not answered.
    `${server("canary", canary)} weight 0 check inter 500ms fall 1 rise 1`,
    server("stable", stable),
    "",
    "backend large",
    server("stable", stable),
    "",
    "backend asked-stable",
    server("stable", stable),
    "",
    "backend asked-canary",
    server("canary", canary),
    "",
  ].join("\n");
}

/** The point of a request: the place of its user, or the next one. Only who gets it takes it. */
function points({ sticky, header, serve }: RouterValues): string[] {
  const others = ["!asks-canary", "!asks-stable", ...(serve.idempotent ? ["!large"] : [])];
  const next = (...conditions: string[]) => {
    const condition = [...others, ...conditions].join(" ");
    return [
      `  http-request track-sc0 int(1) table points if ${condition}`,
      `  http-request sc-inc-gpc0(0) if ${condition}`,
      `  http-request set-var(txn.point) sc0_get_gpc0,mul(618033),mod(${shareOne}) if ${condition}`,
    ];
  };
  if (sticky === "none") return next();
  const turn = `  http-request set-var(txn.turn) str(turn),map_str_int(${shareMap},0)`;
  if (sticky === "header") {
    const name = safe(header ?? "", headerName, "name of a header");
    const place = `req.hdr(${name}),xxh32,mod(${shareOne}),add(txn.turn),mod(${shareOne})`;
    return [
      `  acl known req.hdr(${name}) -m found`,
      ...next("!known"),
      turn,
      `  http-request set-var(txn.point) ${place} if known`,
    ];
  }
  return [
    `  acl known req.cook(${cookie}) -m reg ^[0-9]{1,6}$`,
    ...next("!known"),
    turn,
    "  http-request set-var(txn.place) var(txn.point) if !known",
    `  http-request set-var(txn.point) req.cook(${cookie}) if known`,
    `  http-request set-var(txn.point) var(txn.point),add(txn.turn),mod(${shareOne}) if { var(txn.point) -m found }`,
  ];
}

/** Hands out the place to who has none. It says nothing about the side: a share of 0 takes everyone back. */
function keepPlace({ sticky }: RouterValues): string[] {
  if (sticky !== "cookie") return [];
  return [
    `  http-response add-header set-cookie "${cookie}=%[var(txn.place)]; Path=/; HttpOnly; SameSite=Lax" if { var(txn.place) -m found }`,
  ];
}

function server(name: "stable" | "canary", ip: string): string {
  const plain = safe(ip, address, "address of a Service");
  return `  server ${name} ${plain.includes(":") ? `ipv6@[${plain}]` : `ipv4@${plain}`}:${servicePort}`;
}

function whole(value: number): string {
  return safe(String(value), /^\d{1,9}$/, "number of seconds");
}

/** Nothing but what the pattern admits gets into a directive: no blank, no line end, no quote. */
function safe(value: string, pattern: RegExp, what: string): string {
  if (pattern.test(value)) return value;
  throw new MlshipError({
    code: "cluster.router",
    what: `the router cannot be configured: ${JSON.stringify(value)} is not the ${what}`,
    fix: "correct `deploy.router` in mlship.yaml",
    exit: "usage",
  });
}
