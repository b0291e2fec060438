// Which requests go to the canary: those whose point lies below its share.
import type { Served } from "../served.ts";
import type { Word } from "./directives.ts";
import { shareMap, wholeShare } from "./share.ts";

/** Cookie that keeps the point of a user, with `sticky: cookie`. It says nothing about the side. */
export const stickyCookie = "mlship-point";

/** Counts requests. */
export const pointsTable = "points";

/** Nearest to the golden ratio of a million, and without a divisor in common with it. */
const stride = 618_033;

/**
 * Gives a request its point, from 0 to before a million, as `txn.point`.
 *
 * Points come one after the other from a Weyl sequence (a count times the golden ratio, of which
 * the whole part is left out): of any stretch of requests the share is exact to one or two, and
 * nothing repeats with traffic that repeats itself. Who is told apart by cookie or header has a
 * point of his own, so a rising share moves users to the canary and none back, and a share of 0
 * takes all of them back.
 * @param drawn conditions of a request that takes part
 */
export function pointsOf({ deploy }: Served, drawn: readonly string[]): Word[][] {
  const { sticky, header } = deploy.router;
  if (sticky === "header" && header !== null) {
    const known: Word[] = ["acl", "known", `req.hdr(${header})`, "-m", "found"];
    const place = `req.hdr(${header}),xxh32,mod(${wholeShare})`;
    return [known, ...next([...drawn, "!known"]), set("txn.point", place, ["known"]), ...turned()];
  }
  if (sticky === "cookie") {
    const known: Word[] = ["acl", "known", `req.cook_val(${stickyCookie})`, "ge", 0];
    const place = set("txn.point", `req.cook_val(${stickyCookie})`, ["known"]);
    const fresh = set("txn.fresh", "var(txn.point)", ["!known"]);
    return [known, ...next([...drawn, "!known"]), place, fresh, ...turned()];
  }
  return next(drawn);
}

/** Tells a new user his point. */
export function keepPoint({ deploy }: Served): Word[][] {
  if (deploy.router.sticky !== "cookie") return [];
  const cookie = `${stickyCookie}=%[var(txn.fresh)];Path=/;HttpOnly;SameSite=Lax`;
  return [
    ["http-response", "add-header", "set-cookie", cookie, "if", "{", "var(txn.fresh)", "-m", "found", "}"],
  ];
}

/** The next point. Only who draws one counts. */
function next(conditions: readonly string[]): Word[][] {
  return [
    ["http-request", "track-sc0", "int(1)", "table", pointsTable, "if", ...conditions],
    ["http-request", "sc-inc-gpc0(0)", "if", ...conditions],
    set("txn.point", `sc0_get_gpc0,mul(${stride}),mod(${wholeShare})`, conditions),
  ];
}

function turned(): Word[][] {
  const isPlaced = ["{", "var(txn.point)", "-m", "found", "}"];
  return [
    ["http-request", "set-var(txn.turn)", `str(turn),map_str_int(${shareMap},0)`],
    set("txn.point", `var(txn.point),add(txn.turn),mod(${wholeShare})`, isPlaced),
  ];
}

function set(variable: string, value: string, conditions: readonly string[]): Word[] {
  return ["http-request", `set-var(${variable})`, value, "if", ...conditions];
}
