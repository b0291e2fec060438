// Questions about the pod and its containers.
import type { Fact } from "./facts.ts";
import { containersOf, podOf, serverOf, templateOf, type Container, type Thing } from "./view.ts";

/** Holds for every container; broken in the first one. */
function each(
  holds: (container: Container, things: Thing[]) => boolean,
  breaks: (one: Container) => unknown,
): Fact {
  return {
    holds: (things) => containersOf(things).every((container) => holds(container, things)),
    breaks: (things) => breaks(serverOf(things)),
  };
}

/** A member of each container's security context has this value. */
const context = (name: string, value: unknown, wrong: unknown): Fact =>
  each(
    ({ securityContext }) => securityContext?.[name] === value,
    (container) => (container.securityContext = { ...container.securityContext, [name]: wrong }),
  );

/** A member of the pod is not set, or false. */
const unset = (name: string, wrong: unknown): Fact => ({
  holds: (things) => podOf(things)[name] === undefined || podOf(things)[name] === false,
  breaks: (things) => (podOf(things)[name] = wrong),
});

const given = (kind: "requests" | "limits", name: string): Fact =>
  each(
    ({ resources }) => resources?.[kind]?.[name] !== undefined,
    ({ resources }) => ((resources ?? {})[kind] = {}),
  );

const probe = (name: "livenessProbe" | "readinessProbe" | "startupProbe"): Fact => ({
  holds: (things) => {
    const asked = serverOf(things)[name]?.httpGet.port;
    return (serverOf(things).ports ?? []).some((port) => port.name === asked || port.containerPort === asked);
  },
  breaks: (things) => (serverOf(things)[name] = { httpGet: { path: "/", port: "other" } }),
});

const volumeTypes = new Set(["emptyDir", "configMap", "image", "projected", "secret", "downwardAPI"]);
const typesOf = (things: Thing[]) =>
  (podOf(things).volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"));
const hostPath = (path: string) => (things: Thing[]) =>
  podOf(things).volumes?.push({ name: "host", hostPath: { path } });
const secretName = /token|secret|password|passwd|credential|api_?key/i;
const numberAbove = (value: unknown, least: number) => typeof value === "number" && value > least;

export const podFacts = {
  noPrivilegeEscalation: context("allowPrivilegeEscalation", false, true),
  notPrivileged: context("privileged", false, true),
  readOnlyRoot: context("readOnlyRootFilesystem", true, false),
  nonRoot: context("runAsNonRoot", true, undefined),
  highUser: each(
    ({ securityContext }) => numberAbove(securityContext?.["runAsUser"], 10_000),
    (container) => (container.securityContext = { ...container.securityContext, runAsUser: 1000 }),
  ),
  highGroup: each(
    ({ securityContext }) => numberAbove(securityContext?.["runAsGroup"], 10_000),
    (container) => (container.securityContext = { ...container.securityContext, runAsGroup: 0 }),
  ),
  noRootGroups: {
    holds: (things) => {
      const { fsGroup, supplementalGroups = [], runAsGroup } = podOf(things).securityContext ?? {};
      return ![fsGroup, runAsGroup, ...(supplementalGroups as unknown[])].includes(0);
    },
    breaks: (things) => Object.assign(podOf(things).securityContext ?? {}, { supplementalGroups: [0] }),
  },
  capabilitiesDropped: each(
    ({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") === true,
    (container) => (container.securityContext = { ...container.securityContext, capabilities: {} }),
  ),
  capabilitiesNotAdded: each(
    ({ securityContext }) => (securityContext?.capabilities?.add ?? []).length === 0,
    (container) => Object.assign(container.securityContext?.capabilities ?? {}, { add: ["SYS_ADMIN"] }),
  ),
  seccompOfContainers: each(
    ({ securityContext }) =>
      (securityContext?.["seccompProfile"] as { type?: string } | undefined)?.type === "RuntimeDefault",
    (container) => delete container.securityContext?.["seccompProfile"],
  ),
  seccompOfPod: {
    holds: (things) =>
      (podOf(things).securityContext?.["seccompProfile"] as { type?: string } | undefined)?.type ===
      "RuntimeDefault",
    breaks: (things) => delete podOf(things).securityContext?.["seccompProfile"],
  },
  defaultProcMount: context("procMount", undefined, "Unmasked"),
  defaultSeLinux: context("seLinuxOptions", undefined, { type: "spc_t" }),
  defaultAppArmor: context("appArmorProfile", undefined, { type: "Unconfined" }),
  noHostProcess: context("windowsOptions", undefined, { hostProcess: true }),
  noHostNetwork: unset("hostNetwork", true),
  noHostPid: unset("hostPID", true),
  noHostIpc: unset("hostIPC", true),
  noHostAliases: unset("hostAliases", [{ ip: "1.2.3.4" }]),
  noSharedProcesses: unset("shareProcessNamespace", true),
  noDeprecatedAccountField: unset("serviceAccount", "x"),
  noSysctls: {
    holds: (things) => podOf(things).securityContext?.["sysctls"] === undefined,
    breaks: (things) =>
      Object.assign(podOf(things).securityContext ?? {}, { sysctls: [{ name: "kernel.msgmax" }] }),
  },
  restartsAlways: {
    holds: (things) => [undefined, "Always"].includes(podOf(things)["restartPolicy"] as string | undefined),
    breaks: (things) => (podOf(things)["restartPolicy"] = "Never"),
  },
  noHostPath: {
    holds: (things) => !typesOf(things).includes("hostPath"),
    breaks: hostPath("/etc"),
  },
  noDockerSocket: {
    holds: (things) => !JSON.stringify(podOf(things).volumes).includes("docker.sock"),
    breaks: hostPath("/var/run/docker.sock"),
  },
  safeVolumes: {
    holds: (things) => typesOf(things).every((type) => volumeTypes.has(type)),
    breaks: (things) => podOf(things).volumes?.push({ name: "n", nfs: { server: "x", path: "/" } }),
  },
  noHostPort: each(
    ({ ports = [] }) => ports.every((port) => port.hostPort === undefined),
    (container) => (container.ports = [{ containerPort: 8080, hostPort: 8080 }]),
  ),
  highPorts: each(
    ({ ports = [] }) => ports.every((port) => port.containerPort >= 1024),
    (container) => (container.ports = [{ name: "http", containerPort: 80 }]),
  ),
  noSshPort: each(
    ({ ports = [] }) => ports.every((port) => port.containerPort !== 22),
    (container) => (container.ports = [{ containerPort: 22 }]),
  ),
  pullAlways: each(
    ({ imagePullPolicy }) => imagePullPolicy === "Always",
    (container) => (container.imagePullPolicy = "IfNotPresent"),
  ),
  noLatestTag: each(
    ({ image }) => /@sha256:|:(?!latest$)[^/:]+$/.test(image),
    (container) => (container.image = "ghcr.io/acme/fraud:latest"),
  ),
  pinnedByDigest: each(
    ({ image }) => /@sha256:[0-9a-f]{64}$/.test(image),
    (container) => (container.image = "ghcr.io/acme/fraud:1.4.0"),
  ),
  cpuRequest: given("requests", "cpu"),
  cpuLimit: given("limits", "cpu"),
  memoryRequest: given("requests", "memory"),
  memoryLimit: given("limits", "memory"),
  liveness: probe("livenessProbe"),
  readiness: probe("readinessProbe"),
  startup: probe("startupProbe"),
  noSecretVariable: each(
    ({ env = [] }) => env.every(({ name, value }) => value === undefined || !secretName.test(name)),
    (container) => (container.env = [{ name: "API_TOKEN", value: "x" }]),
  ),
  noSecretReference: each(
    ({ env = [], envFrom = [] }) => !JSON.stringify([env, envFrom]).includes("ecretRef"),
    (container) => (container.envFrom = [{ secretRef: { name: "x" } }]),
  ),
  noDuplicateVariable: each(
    ({ env = [] }) => new Set(env.map(({ name }) => name)).size === env.length,
    (container) => (container.env = [{ name: "A" }, { name: "A" }]),
  ),
  ownAccount: {
    holds: (things) => ![undefined, "", "default"].includes(podOf(things).serviceAccountName),
    breaks: (things) => (podOf(things).serviceAccountName = "default"),
  },
  noToken: {
    holds: (things) => podOf(things).automountServiceAccountToken === false,
    breaks: (things) => delete podOf(things).automountServiceAccountToken,
  },
  antiAffinity: {
    holds: (things) =>
      JSON.stringify(podOf(things)["affinity"] ?? {}).includes('"topologyKey":"kubernetes.io/hostname"'),
    breaks: (things) => delete podOf(things)["affinity"],
  },
  spread: {
    holds: (things) => Array.isArray(podOf(things)["topologySpreadConstraints"]),
    breaks: (things) => delete podOf(things)["topologySpreadConstraints"],
  },
  labelledPods: {
    holds: (things) => "app.kubernetes.io/name" in templateOf(things).metadata.labels,
    breaks: (things) => (templateOf(things).metadata.labels = {}),
  },
} satisfies Record<string, Fact>;
