// The router's configuration: which side a request goes to, and what happens when the canary fails it.
import { MlshipError } from "../../errors.ts";
import { lifecycleOf } from "../pod/lifecycle.ts";
import type { Served } from "../served.ts";
import { servicePort } from "../kinds/service.ts";
import { configuration, type Section, type Word } from "./directives.ts";
import { keepPoint, pointsOf, pointsTable } from "./points.ts";
import { shareMap } from "./share.ts";

/** Ports of a router's pod: users' requests, the kubelet's question, the runtime API on 127.0.0.1 only. */
export const routerPorts = { users: 8080, health: 8081, runtime: 9999 } as const;

/** Path of the kubelet's question, on the port `health`. It says that the router works, whoever is behind it. */
export const routerReadyPath = "/mlship/ready";

/** Path of the kubelet's other question: whether the process answers at all. */
export const routerLivePath = "/mlship/live";

/**
 * Backends and servers as the runtime API calls them. Each backend counts apart.
 *
 * `stable/stable` has the requests that were stable's from the start, `canary/canary` the canary's,
 * and `canary/stable` those again that the canary failed. Its weight there is 0 and only
 * `use-server` reaches it: a request that fails on stable is never tried again on the canary, where
 * its errors would be counted against it. `asked-stable` and `asked-canary` have the requests that
 * asked for a side, `large` those that cannot be sent again: neither were drawn at random.
 */
export const routerBackends = {
  stable: "stable",
  canary: "canary",
  large: "large",
  askedStable: "asked-stable",
  askedCanary: "asked-canary",
} as const;

/** Header by which a request asks for one side: `stable` or `canary`. It cannot reach a canary whose share is 0. */
export const forcingHeader = "x-mlship-revision";

/** Header of an answer: the side that gave it. */
export const sideHeader = "x-mlship-side";

/** Header of an answer that stable gave because the canary failed. */
export const fallbackHeader = "x-mlship-fallback";

/** Bytes of a body that the router keeps to send the request again. A longer one never goes to the canary. */
export const retriedBytes = 49_152;
/** Bytes of a buffer: a body, its request's head, and how HAProxy keeps them. */
const bufferBytes = 65_536;

/** Connections of one router at a time. */
export const mostConnections = 1000;

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
    table(),
    ...backends(served, addresses),
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
      ["tune.bufsize", bufferBytes],
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
      ["http-request", "return", "status", 200, "if", "{", "path", routerLivePath, "}"],
      ["http-request", "return", "status", 404],
    ],
  };
}

function users(served: Served, addresses: RouterAddresses): Section {
  const { stable, canary, large, askedStable, askedCanary } = routerBackends;
  const keeps = served.serve.idempotent;
  const drawn = ["!asks-stable", "!asks-canary", ...(keeps ? ["!large"] : [])];
  const isAsked = (side: string) => [`req.hdr(${forcingHeader})`, "-m", "str", side];
  return {
    head: ["frontend", "users"],
    directives: [
      bind(addresses, routerPorts.users),
      ["acl", "asks-stable", ...isAsked("stable")],
      ["acl", "asks-canary", ...isAsked("canary")],
      ...(keeps ? [["acl", "large", "req.body_size", "gt", retriedBytes]] : []),
      ...pointsOf(served, drawn),
      ["http-request", "set-var(txn.share)", `str(canary),map_str_int(${shareMap},0)`],
      // Negative for the points below the share: HAProxy compares a value with constants only.
      ["http-request", "set-var(txn.above)", "var(txn.point),sub(txn.share)"],
      ...keepPoint(served),
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
      ["use_backend", askedCanary, "if", "asks-canary", "{", "var(txn.share)", "-m", "int", "gt", 0, "}"],
      ["use_backend", askedStable, "if", "asks-stable", "or", "asks-canary"],
      ...(keeps ? [["use_backend", large, "if", "large"]] : []),
      ["use_backend", canary, "if", "{", "var(txn.above)", "-m", "int", "lt", 0, "}"],
      ["default_backend", stable],
    ],
  };
}

/** A node without IPv6 refuses to listen on it; one whose Services have such addresses has it. */
function bind({ stable }: RouterAddresses, port: number): Word[] {
  return stable.includes(":") ? ["bind", `[::]:${port}`, "v4v6"] : ["bind", `*:${port}`];
}

/** Counts the requests that draw a point. */
function table(): Section {
  return {
    head: ["backend", pointsTable],
    directives: [["stick-table", "type", "integer", "size", 1, "store", "gpc0"]],
  };
}

/** A canary whose Service has no ready pod gets nothing from half a second later on. */
const checked: readonly Word[] = ["check", "inter", "500ms", "fall", 1, "rise", 1];

/**
 * A connection that was refused did no work, so to try again is always safe. A try that came to
 * nothing more is repeated where the model allows it: of the canary's, everything that went wrong;
 * of stable's, what a server that vanished leaves behind. To send stable again what it failed would
 * multiply its load when it has too much already.
 */
function backends({ serve }: Served, { stable, canary }: RouterAddresses): Section[] {
  const { stable: main, canary: tried, large, askedStable, askedCanary } = routerBackends;
  const vanished: Word[] = ["retry-on", "conn-failure", ...(serve.idempotent ? ["empty-response"] : [])];
  const failed: Word[] = [...vanished, "response-timeout", "junk-response", 500, 502, 503, 504];
  const again: Word[][] = [
    ["retries", retries],
    ["option", "redispatch", 1],
  ];
  const side = (name: string, server: "stable" | "canary", address: string): Section => ({
    head: ["backend", name],
    directives: [...again, vanished, ["server", server, place(address)]],
  });
  return [
    side(main, "stable", stable),
    {
      head: ["backend", tried],
      directives: [
        ...again,
        serve.idempotent ? failed : vanished,
        ["http-response", "set-header", fallbackHeader, 1, "if", "{", "srv_name", "-m", "str", "stable", "}"],
        ["use-server", "canary", "if", "TRUE"],
        ["server", "canary", place(canary), "weight", 0, ...checked],
        ["server", "stable", place(stable)],
      ],
    },
    side(large, "stable", stable),
    side(askedStable, "stable", stable),
    side(askedCanary, "canary", canary),
  ];
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
