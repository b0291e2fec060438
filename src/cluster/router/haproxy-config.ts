// The router's configuration: which side a request goes to, and what happens when the canary fails it.
import { MlshipError } from "../../errors.ts";
import { lifecycleOf } from "../lifecycle.ts";
import type { Served } from "../served.ts";
import { servicePort } from "../service.ts";
import { configuration, type Section, type Word } from "./directives.ts";

/** Ports of a router's pod: users' requests, the kubelet's question, the runtime API on 127.0.0.1 only. */
export const routerPorts = { users: 8080, health: 8081, runtime: 9000 } as const;

/** Path of the kubelet's question, on the port `health`. It says that the router works, whoever is behind it. */
export const routerReadyPath = "/mlship/ready";

/**
 * What the runtime API calls things.
 *
 * `model/stable` and `model/canary` are the two sides, with their counters. The share is the weight
 * of `share/canary`, a server that is never asked: `set weight share/canary 13` sends 13 of 256
 * requests to the canary, `get weight share/canary` tells it. The weight of `model/canary` stays 0,
 * so that a request which fails on stable is never tried again on the canary: its errors would be
 * counted against it.
 */
export const routerNames = {
  frontend: "users",
  backend: "model",
  stable: "stable",
  canary: "canary",
  share: "share/canary",
} as const;

/** Weight that stands for all requests: the smallest share is one part of this. */
export const wholeShare = 256;

/** Header by which a request asks for one side: `stable` or `canary`. It cannot reach a canary whose share is 0. */
export const forcingHeader = "x-mlship-revision";

/** Header of an answer: the side that gave it. */
export const sideHeader = "x-mlship-side";

/** Cookie that holds which part of {@link wholeShare} a user belongs to. */
export const stickyCookie = "mlship-part";

/** Bytes of a request, headers included, that the router keeps to send it again; a larger one gets no second try. */
export const retriedBytes = 32_768 - 1024;

/** Connections of one router at a time. */
export const mostConnections = 2000;

/** Seconds that an idle connection of a user is kept open. */
const keepAlive = 30;
/** Attempts after the first. */
const retries = 2;

/** Where the two sides are: addresses of the Services `S-stable` and `S-canary`, IPv4 or IPv6. */
export interface RouterAddresses {
  stable: string;
  canary: string;
}

/** Seconds between SIGUSR1 and the router's end: the last idle connection, and a request with all its attempts. */
export function routerDrain(served: Served): number {
  return keepAlive + (retries + 1) * serverTimeout(served);
}

/** The text of haproxy.cfg. @throws MlshipError `cluster.router-address`, `cluster.router-word`; exit 2. */
export function haproxyConfig(served: Served, addresses: RouterAddresses): string {
  return configuration([
    global(served),
    defaults(served),
    health(addresses),
    users(served, addresses),
    share(),
    model(served, addresses),
  ]);
}

/** A second more than a server takes, so that its own answer arrives first. */
function serverTimeout(served: Served): number {
  return Math.ceil(lifecycleOf(served).timeout) + 1;
}

function global(served: Served): Section {
  return {
    head: ["global"],
    directives: [
      ["log", "stdout", "format", "raw", "local0", "notice"],
      ["maxconn", mostConnections],
      // A request is kept whole in one buffer to be sent again; two buffers for each connection.
      ["tune.bufsize", retriedBytes + 1024],
      ["tune.maxrewrite", 1024],
      ["stats", "socket", `ipv4@127.0.0.1:${routerPorts.runtime}`, "level", "admin"],
      ["hard-stop-after", `${routerDrain(served)}s`],
    ],
  };
}

function defaults(served: Served): Section {
  return {
    head: ["defaults"],
    directives: [
      ["mode", "http"],
      ["log", "global"],
      ["option", "httplog"],
      ["option", "dontlognull"],
      ["option", "dontlog-normal"],
      // A connection of its own for each request, so that a changed Service acts at once and its
      // pods share the requests evenly.
      ["option", "http-server-close"],
      ["http-reuse", "never"],
      // Until all of the request is there it can be sent again.
      ["option", "http-buffer-request"],
      // A router that ends answers each user's next request first, and then closes.
      ["option", "idle-close-on-response"],
      ["timeout", "connect", "1s"],
      ["timeout", "check", "1s"],
      ["timeout", "queue", "1s"],
      ["timeout", "http-request", "10s"],
      ["timeout", "http-keep-alive", `${keepAlive}s`],
      ["timeout", "client", "30s"],
      ["timeout", "server", `${serverTimeout(served)}s`],
    ],
  };
}

function health(addresses: RouterAddresses): Section {
  return {
    head: ["frontend", "health"],
    directives: [
      bind(addresses, routerPorts.health),
      ["monitor-uri", routerReadyPath],
      ["http-request", "return", "status", 404],
    ],
  };
}

/**
 * Every request belongs to one of 256 parts, and the parts below the weight go to the canary. Who is
 * told apart by cookie or header always belongs to the same part, so a rising share moves users to
 * the canary and none back.
 */
function users(served: Served, addresses: RouterAddresses): Section {
  return {
    head: ["frontend", routerNames.frontend],
    directives: [
      bind(addresses, routerPorts.users),
      ["http-request", "set-var(txn.weight)", `srv_weight(${routerNames.share})`],
      ["http-request", "set-var(txn.part)", `rand(${wholeShare})`],
      ...stickyParts(served),
      // Negative for the parts below the weight: HAProxy compares a value with constants only.
      ["http-request", "set-var(txn.above)", "var(txn.part),sub(txn.weight)"],
      setSide("canary", "{ var(txn.above) -m int lt 0 }"),
      setSide("canary", `{ req.hdr(${forcingHeader}) -m str canary } { var(txn.weight) -m int gt 0 }`),
      setSide("stable", `{ req.hdr(${forcingHeader}) -m str stable }`),
      [
        "http-after-response",
        "set-header",
        sideHeader,
        "%[srv_name]",
        "if",
        "{",
        "srv_name",
        "-m",
        "found",
        "}",
      ],
      ["default_backend", routerNames.backend],
    ],
  };
}

/** A node without IPv6 refuses to listen on it; one whose Services have such addresses has it. */
function bind({ stable }: RouterAddresses, port: number): Word[] {
  return stable.includes(":") ? ["bind", `[::]:${port}`, "v4v6"] : ["bind", `*:${port}`];
}

function setSide(side: "stable" | "canary", condition: string): Word[] {
  return ["http-request", "set-var(txn.side)", `str(${side})`, "if", ...condition.split(" ")];
}

function stickyParts({ deploy }: Served): Word[][] {
  const { sticky, header } = deploy.router;
  const part = `mod(${wholeShare})`;
  if (sticky === "header" && header !== null) {
    const known = ["if", "{", `req.hdr(${header})`, "-m", "found", "}"];
    return [["http-request", "set-var(txn.part)", `req.hdr(${header}),xxh32,${part}`, ...known]];
  }
  if (sticky !== "cookie") return [];
  const isKnown = ["{", `req.cook(${stickyCookie})`, "-m", "reg", "^[0-9]{1,3}$", "}"];
  const cookie = `${stickyCookie}=%[var(txn.part)];Path=/;HttpOnly;SameSite=Lax`;
  return [
    ["http-request", "set-var(txn.known)", "bool(true)", "if", ...isKnown],
    ["http-request", "set-var(txn.part)", `req.cook(${stickyCookie}),${part}`, "if", ...isKnown],
    ["http-response", "add-header", "set-cookie", cookie, "unless", "{", "var(txn.known)", "-m", "bool", "}"],
  ];
}

function share(): Section {
  const [backend, server] = routerNames.share.split("/");
  return {
    head: ["backend", backend ?? ""],
    directives: [["server", server ?? "", "127.0.0.1:1", "weight", 0]],
  };
}

/** A canary whose Service has no ready pod gets nothing from half a second later on. */
const checked: readonly Word[] = ["check", "inter", "500ms", "fall", 1, "rise", 1];

function model(served: Served, { stable, canary }: RouterAddresses): Section {
  // A connection that was refused did no work: to try again is always safe.
  const again = served.serve.idempotent
    ? ["conn-failure", "empty-response", "response-timeout", 500, 502, 503, 504]
    : ["conn-failure"];
  return {
    head: ["backend", routerNames.backend],
    directives: [
      ["balance", "roundrobin"],
      ["retries", retries],
      ["option", "redispatch", 1],
      ["retry-on", ...again],
      ["use-server", routerNames.canary, "if", "{", "var(txn.side)", "-m", "str", "canary", "}"],
      ["server", routerNames.stable, place(stable), "weight", 1],
      ["server", routerNames.canary, place(canary), "weight", 0, ...checked],
    ],
  };
}

/** Address and port of a side as HAProxy writes them. */
function place(address: string): string {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return `${address}:${servicePort}`;
  if (/^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(address)) return `[${address}]:${servicePort}`;
  throw new MlshipError({
    code: "cluster.router-address",
    what: "a Service has no address that the router could send to",
    why: "the router needs Services with a ClusterIP; a headless one has none",
    fix: "remove the patch of mlship.yaml that sets clusterIP",
    exit: "usage",
  });
}
