// Where a local deployment keeps its files.
import { join } from "node:path";

/** Absolute paths inside `<stateFolder>/local/<name>-<channel>`. */
export interface Places {
  folder: string;
  /** What should run: `Desired`. */
  state: string;
  /** How to find the gateway: `GatewayFile`. */
  gateway: string;
  /** What the gateway itself prints. */
  gatewayLog: string;
  /** One file per lock epoch. */
  locks: string;
  record: string;
  wish: string;
  logs: string;
}

/** The paths of a deployment's folder. */
export function placesIn(folder: string): Places {
  return {
    folder,
    state: join(folder, "state.json"),
    gateway: join(folder, "gateway.json"),
    gatewayLog: join(folder, "gateway.log"),
    locks: join(folder, "lock"),
    record: join(folder, "rollout.json"),
    wish: join(folder, "wish.json"),
    logs: join(folder, "logs"),
  };
}

/** The folder of a deployment. Name and channel are DNS labels, so they cannot leave it. */
export function deploymentFolder(stateFolder: string, name: string, channel: string): string {
  return join(stateFolder, "local", `${name}-${channel}`);
}

/** The log of a revision's servers. */
export function logFile(places: Places, revisionId: string): string {
  return join(places.logs, `${revisionId}.log`);
}
