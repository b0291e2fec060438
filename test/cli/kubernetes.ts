// A machine with a kubeconfig and a registry, whose project goes to a cluster.
import { digestBytes } from "../../src/digest.ts";
import { parseReference } from "../../src/image/oci/reference.ts";
import type { Cluster } from "../../src/targets/kubernetes/ports.ts";
import { Machine } from "./fake-host.ts";
import { boosters, boosterText, configText, features, makeProject, write } from "./project.ts";

const deploy = `  target: kubernetes
  namespace: ml
  context: lab
image: { repository: registry.example/fraud }
`;

/** A cluster that nobody asks anything: the world behind the target answers. */
function clusterOf(place: { context: string | null; namespace: string }): Cluster {
  const unasked = (): never => {
    throw new Error("the cluster itself was asked");
  };
  const nothing = new Proxy({} as Cluster["api"], { get: unasked });
  return {
    context: place.context ?? "lab",
    namespace: place.namespace,
    version: "v1.36.3",
    api: nothing,
    tunnels: { open: unasked },
    monotonic: () => 0,
    sleep: unasked,
    close: () => {},
  };
}

/** Writes mlship.yaml for the cluster, and the model. */
export function handOver(machine: Machine, version: string, booster: keyof typeof boosters, more = ""): void {
  write(machine.folder, {
    "model.json": boosterText({ features, weights: boosters[booster] }),
    "mlship.yaml": configText(version, deploy + more),
  });
}

/** What a new machine knows of the world: contexts, and the base image. */
export function equip(machine: Machine): Machine {
  machine.kubeconfig = {
    current: "lab",
    contexts: [{ name: "lab", server: "https://10.0.0.1:6443", namespace: "default" }],
  };
  machine.openCluster = clusterOf;
  const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: {} }));
  const { registry } = machine;
  registry.blobs.set("docker.io/library/python", new Map([[digestBytes(config), config]]));
  const manifest = { config: { digest: digestBytes(config) }, layers: [{ size: 42 }] };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  registry.put(
    parseReference("python:3.12-slim"),
    "3.12-slim",
    mediaType,
    Buffer.from(JSON.stringify(manifest)),
  );
  return machine;
}

/** A machine with a first version that was never deployed. */
export function clusterMachine(): Machine {
  const machine = equip(new Machine(makeProject()));
  handOver(machine, "1.0.0", "good");
  return machine;
}
