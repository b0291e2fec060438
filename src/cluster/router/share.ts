// The canary's share as the router keeps it: an entry of a map that the runtime API changes.

/** Folder of the router's files in its container: `haproxy.cfg` and `share.map`. */
export const routerFolder = "/etc/mlship-router";

/** Name of the map's file beside `haproxy.cfg`. */
export const shareFile = "share.map";

/** The map, as the configuration and the runtime API name it. */
export const shareMap = `${routerFolder}/${shareFile}`;

/** A share of 1. Shares are whole millionths. */
export const wholeShare = 1_000_000;

/**
 * The text of the map's file. What is in force is in memory only: a router that starts has these
 * values, and sends nothing to a canary.
 *
 * `canary`: the share. `epoch`: of the lock that it was set under. `turn`: moves the users who stay
 * on one side, so that not always the same ones meet a canary first.
 */
export const shareText = "canary 0\nepoch 0\nturn 0\n";
