// What a rollout makes in a cluster as others judge it: the API server, kubeconform, kube-score, Checkov, HAProxy itself.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guardianObjects } from "../../../src/cluster/kinds/guardian.ts";
import type { KubernetesObject } from "../../../src/cluster/manifest.ts";
import { anywhere } from "../../../src/cluster/pod/placement.ts";
import {
  baseObjectsOf,
  canaryJobOf,
  canaryServiceOf,
  fullSetOf,
  routerObjectsOf,
  stableServiceOf,
  usersServiceOf,
} from "../../../src/cluster/rollout-objects.ts";
import { haproxyConfig } from "../../../src/cluster/router/haproxy-config.ts";
import { routerFolder, shareText } from "../../../src/cluster/router/share.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { digestBytes } from "../../../src/digest.ts";
import { deliveries, served } from "../../unit/cluster/example.ts";
import { checkov, judge, score } from "./judges.ts";
import { writeSchemas } from "./schemas.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mlship-rollout-"));
const namespace = path.basename(folder).toLowerCase();
const kubectl = (...args: string[]) => execFileSync("kubectl", args, { encoding: "utf8", stdio: "pipe" });
const addresses = { stable: "10.96.0.11", canary: "10.96.0.12" };
const routerImage = `ghcr.io/acme/haproxy@${digestBytes("router")}`;
let schemas = "";

const splitBy = (split: Served["deploy"]["canary"]["split"], release: Served): Served => ({
  ...release,
  deploy: { ...release.deploy, namespace, canary: { ...release.deploy.canary, split } },
});

/** Everything that a rollout makes of a release. */
function objectsIn(release: Served): KubernetesObject[] {
  const guardian = guardianObjects({
    name: release.name,
    namespace,
    job: `${release.revision}-canary`,
    routes: ["fraud"],
    image: release.image,
    ...anywhere,
  });
  const isGuarded = release.deploy.canary.split === "gateway";
  return [
    ...baseObjectsOf(release),
    usersServiceOf(release, { channel: "production", stable: null }),
    stableServiceOf(release),
    canaryServiceOf(release),
    ...fullSetOf(release),
    canaryJobOf(release, { pods: 2, deadlineSeconds: 30 }),
    ...routerObjectsOf(release, { image: routerImage, ...addresses }),
    ...(isGuarded ? guardian : []),
  ];
}

const releases = {
  router: splitBy("router", served),
  replicas: splitBy("replicas", deliveries["image-volume"]),
  gateway: splitBy("gateway", deliveries.s3),
};

/**
 * What kube-score and Checkov find, and why it stands: router and guardian may take more CPU than they
 * keep from others; a Service of a side reaches nothing until there is a revision; the guardian must
 * speak to the API server, which no policy can name.
 */
const exempt = {
  router: ["fraud-router: (router) CPU requests does not match limits"],
  guardian: [
    "fraud-guardian: (guardian) CPU requests does not match limits",
    "fraud-guardian: The pod does not have a matching NetworkPolicy",
  ],
  sides: [
    "fraud-canary: The services selector does not match any pods",
    "fraud-stable: The services selector does not match any pods",
  ],
  users: ["fraud: The services selector does not match any pods"],
};
const scored: Record<keyof typeof releases, string[]> = {
  router: [...exempt.router, ...exempt.sides],
  replicas: [...exempt.sides, ...exempt.users],
  gateway: [...exempt.guardian, ...exempt.sides, ...exempt.users],
};
const checked: Record<keyof typeof releases, string[]> = {
  router: [],
  replicas: [],
  gateway: ["CKV2_K8S_6", "CKV_K8S_38"],
};

/** Writes one file per object. */
function write(name: string, release: Served): string[] {
  mkdirSync(path.join(folder, name), { recursive: true });
  return objectsIn(release).map((object) => {
    const file = path.join(folder, name, `${object.kind}-${object.metadata.name}.yaml`);
    writeFileSync(file, dump(object, { noRefs: true }));
    return file;
  });
}

beforeAll(() => {
  kubectl("create", "namespace", namespace);
  for (const mode of ["enforce", "warn"])
    kubectl("label", "namespace", namespace, `pod-security.kubernetes.io/${mode}=restricted`);
  const kinds = Object.values(releases).flatMap((release) => objectsIn(release).map(({ kind }) => kind));
  schemas = writeSchemas(path.join(folder, "schemas"), kinds);
});

afterAll(() => {
  kubectl("delete", "namespace", namespace, "--wait=false");
  rmSync(folder, { recursive: true, force: true });
});

describe.each(["router", "replicas", "gateway"] as const)("split by %s", (split) => {
  test("kubeconform -strict knows every kind and every field", async () => {
    write(split, releases[split]);
    const at = path.join(folder, split);
    expect(await judge("kubeconform", "-strict", "-schema-location", schemas, at)).toEqual({
      content: true,
      says: "",
    });
  });

  test("kube-score finds what is exempt, and nothing else", async () => {
    const { says } = await score(write(split, releases[split]));
    const found = says
      .split("\n")
      .filter((line) => !/^(\[OK\]|\[SKIPPED\]|$)/.test(line))
      .map((line) => line.replace(/^\[\w+\] ([^/]+)\/\S+ \S+: /, "$1: "));
    expect([...new Set(found)].toSorted()).toEqual(scored[split].toSorted());
  });

  test("Checkov finds what is exempt, and nothing else", async () => {
    write(split, releases[split]);
    const { passed, failed } = await checkov(path.join(folder, split));
    expect(new Set(failed.map((line) => line.split(" ")[0]))).toEqual(new Set(checked[split]));
    for (const line of failed) expect(line).toContain("guardian");
    expect(passed).toBeGreaterThan(150);
  });

  test("the API server takes them, and Pod Security's profile restricted has no warning", () => {
    const files = write(split, releases[split]);
    const { stdout, stderr } = applied(files);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toHaveLength(files.length);
  });
});

function applied(files: string[]): { stdout: string; stderr: string } {
  const told = path.join(folder, "stderr");
  const args = ["apply", "--server-side", "--dry-run=server", ...files.flatMap((file) => ["-f", file])];
  const stdout = execFileSync("sh", ["-c", 'exec kubectl "$@" 2>"$0"', told, ...args], { encoding: "utf8" });
  return { stdout, stderr: readFileSync(told, "utf8") };
}

test.each(["none", "cookie", "header"] as const)("HAProxy takes the configuration: sticky %s", (sticky) => {
  const header = sticky === "header" ? "x-user" : null;
  const router = { ...served.deploy.router, sticky, header };
  for (const idempotent of [true, false]) {
    const release: Served = {
      ...served,
      serve: { ...served.serve, idempotent },
      deploy: { ...served.deploy, router },
    };
    const config = haproxyConfig(release, addresses);
    expect(checkConfig(config)).not.toMatch(/ALERT|WARNING/);
  }
  expect(checkConfig("frontend a\n  bind *:8080\n  default_backend gone\n")).toMatch(/ALERT/);
});

/** What the testbed's HAProxy says of a configuration. */
function checkConfig(config: string): string {
  const image = `${process.env["MLSHIP_TEST_REGISTRY"] ?? ""}/library/haproxy:3.2-alpine`;
  const files = path.join(folder, "haproxy");
  mkdirSync(files, { recursive: true });
  writeFileSync(path.join(files, "haproxy.cfg"), config);
  writeFileSync(path.join(files, "share.map"), shareText);
  const run = ["create", image, "haproxy", "-c", "-f", `${routerFolder}/haproxy.cfg`];
  const container = execFileSync("docker", run, { encoding: "utf8", stdio: "pipe" }).trim();
  try {
    execFileSync("docker", ["cp", "-q", `${files}/.`, `${container}:${routerFolder}`]);
    return execFileSync("sh", ["-c", 'docker start -a "$0" 2>&1 || true', container], { encoding: "utf8" });
  } finally {
    execFileSync("docker", ["rm", "-f", container], { stdio: "ignore" });
  }
}
