// The three Services of a rollout: the users' address, and one for each side of the split.
import type { Manifest } from "../manifest.ts";
import { instanceSelector, namesOf, noInstance, stableMetadata, trafficSelector } from "../names.ts";
import { serviceObject } from "./service.ts";
import type { Served } from "../served.ts";

/**
 * The users' Service: the address of the model, whatever splits the traffic behind it.
 * @param stable id of the stable revision, or {@link noInstance}
 */
export function usersService(served: Served, stable: string): Manifest {
  return {
    file: "service.yaml",
    about: ["The address of the model in the cluster; it stays the same from version to version."],
    object: serviceObject(stableMetadata(served), usersSelector(served, stable)),
  };
}

/** What the users' Service selects while `stable`, the id of a revision or {@link noInstance}, is stable. */
export function usersSelector({ name, deploy }: Served, stable: string): Record<string, string> {
  const { split } = deploy.canary;
  if (split === "router") return { "app.kubernetes.io/name": namesOf(name).router };
  return split === "gateway" ? instanceSelector(name, stable) : trafficSelector(name, stable);
}

/** The Service of the stable revision; it begins with none. Its selector is the truth about which one that is. */
export function stableService(served: Served): Manifest {
  return side(served, "stable", "The servers of the stable revision, and no others.");
}

/** The Service of the canary's pods; it begins with none. */
export function canaryService(served: Served): Manifest {
  return side(served, "canary", "The pods that try a revision out, while there are any.");
}

function side(served: Served, which: "stable" | "canary", about: string): Manifest {
  const metadata = { ...stableMetadata(served), name: namesOf(served.name)[which] };
  return {
    file: `service-${which}.yaml`,
    about: [about],
    object: serviceObject(metadata, instanceSelector(served.name, noInstance)),
    patchedByName: true,
  };
}
