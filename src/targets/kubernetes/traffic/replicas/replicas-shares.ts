// Which shares a bare Service can give: one that spreads connections over its servers evenly.

/** Most servers of a canary, for one server of stable: a share of three quarters. */
const most = 3;

/**
 * Servers of the canary that come nearest to a share beside `stable` servers; at least one.
 * @param share above 0 and below 1
 */
export function canaryServers(stable: number, share: number): number {
  const exact = (share * stable) / (1 - share);
  const [few, many] = [Math.max(1, Math.floor(exact)), Math.max(1, Math.ceil(exact))];
  const off = (servers: number) => Math.abs(shareWith(stable, servers) - share);
  return off(few) <= off(many) ? few : many;
}

/** Share of a canary of so many servers beside `stable` ones. */
export function shareWith(stable: number, servers: number): number {
  return servers === 0 ? 0 : servers / (stable + servers);
}

/**
 * Shares that can be reached without taking a server from stable, rising: 1/(N+1), 2/(N+2), … up to
 * three quarters. A plan with another share must be refused.
 * @param stable servers that stable has
 */
export function reachableShares(stable: number): number[] {
  return Array.from({ length: stable * most }, (_, index) => shareWith(stable, index + 1));
}
