// What stands in the way of a rollout: quotas, owners, overlapping selectors, versions, rights.
import * as fc from "fast-check";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { fullSetOf } from "../../../../../src/targets/kubernetes/fleet/blueprint.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";
import { added, demandOf } from "../../../../../src/targets/kubernetes/preflight/demand.ts";
import { checkOverlaps } from "../../../../../src/targets/kubernetes/preflight/overlaps.ts";
import { checkOwners } from "../../../../../src/targets/kubernetes/preflight/owners.ts";
import { checkVersion } from "../../../../../src/targets/kubernetes/preflight/place.ts";
import { quantityOf } from "../../../../../src/cluster/quantity.ts";
import { checkQuotas } from "../../../../../src/targets/kubernetes/preflight/quota.ts";
import {
  lackingRights,
  neededRights,
  roleOf,
} from "../../../../../src/targets/kubernetes/preflight/rights.ts";
import { deployedWith, served } from "../../../cluster/example.ts";

const ours = { "app.kubernetes.io/managed-by": "mlship" };

function thing(kind: string, name: string, more: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return {
    apiVersion: kind === "Service" ? "v1" : "apps/v1",
    kind,
    metadata: { name, labels: ours, ...more },
  };
}

test.each([
  ["500m", 0.5],
  ["2", 2],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["100k", 1e5],
  ["1e3", 1000],
  ["129M", 129e6],
  ["0.1", 0.1],
  ["5E", 5e18],
  ["many", null],
  ["5X", null],
])("the quantity %s is %s", (text, number) => {
  expect(quantityOf(text)).toBe(number);
});

test("every whole number is its own quantity", () => {
  fc.assert(fc.property(fc.nat(), (number) => quantityOf(String(number)) === number));
});

test("a pod counts for its containers and sidecars, or for its largest init container", () => {
  const of = (cpu: string, more = {}) => ({ name: "c", resources: { limits: { cpu } }, ...more });
  const pod = {
    containers: [of("1"), of("500m")],
    initContainers: [of("100m", { restartPolicy: "Always" }), of("3"), of("2")],
  };
  const demand = demandOf(pod);
  expect(demand.get("limits.cpu")).toBeCloseTo(3.1);
  expect(demand.get("requests.cpu")).toBeCloseTo(3.1);
  expect(demandOf({ ...pod, initContainers: null }).get("requests.cpu")).toBe(1.5);
  expect(added(demand, demand, 2).get("pods")).toBe(3);
});

function quota(hard: object, used: object, spec: object = {}): KubeObject {
  return { ...thing("ResourceQuota", "team"), spec, status: { hard, used } };
}

test("a quota that is too small is told with what is used and what is needed", () => {
  const demand = new Map([
    ["requests.cpu", 2],
    ["pods", 4],
    ["limits.memory", 2 ** 30],
  ]);
  const [found, ...more] = checkQuotas(
    [quota({ cpu: "3", pods: "10", "limits.memory": "1Gi" }, { cpu: "1500m", "limits.memory": "512Mi" })],
    demand,
  );
  expect(more).toEqual([]);
  expect(found).toMatchObject({ code: "preflight.quota", exit: "unavailable" });
  expect(found?.why).toBe(
    "cpu: 1.5 of 3 are used, and the rollout needs 2 more; limits.memory: 512Mi of 1Gi are used, and the rollout needs 1Gi more",
  );
});

test("a quota that fits, counts other things or other pods is no finding", () => {
  const demand = new Map([["pods", 4]]);
  expect(checkQuotas([quota({ pods: "4" }, { pods: "0" })], demand)).toEqual([]);
  expect(checkQuotas([quota({ secrets: "1" }, { secrets: "1" })], demand)).toEqual([]);
  expect(checkQuotas([quota({ pods: "1" }, { pods: "1" }, { scopes: ["BestEffort"] })], demand)).toEqual([]);
  expect(
    checkQuotas([quota({ pods: "1" }, { pods: "1" }, { scopes: ["NotBestEffort"] })], demand),
  ).toHaveLength(1);
});

test("what a GitOps controller owns is refused with the rule that lets mlship write it", () => {
  const argo = thing("Service", "fraud", {
    annotations: { "argocd.argoproj.io/tracking-id": "fraud:/Service:ml/fraud" },
  });
  const [found] = checkOwners(argo, "production");
  expect(found).toMatchObject({
    code: "preflight.gitops",
    what: expect.stringContaining("Argo CD owns Service fraud") as string,
  });
  expect(found?.fix).toContain(
    '- { group: "", kind: Service, name: fraud, managedFieldsManagers: [mlship] }',
  );
  const flux = thing("Deployment", "fraud", {
    labels: { ...ours, "kustomize.toolkit.fluxcd.io/name": "apps" },
  });
  expect(checkOwners(flux, "production")[0]?.fix).toBe(
    "annotate Deployment fraud in git with kustomize.toolkit.fluxcd.io/ssa: IfNotPresent",
  );
  const helm = thing("Deployment", "fraud", { managedFields: [{ manager: "helm-controller" }] });
  expect(checkOwners(helm, "production")[0]?.what).toContain("Flux (Helm)");
});

test("what a GitOps controller was told to leave alone is no finding", () => {
  const settled = { "argocd.argoproj.io/tracking-id": "x", "mlship.dev/gitops": "ignored" };
  expect(checkOwners(thing("Service", "fraud", { annotations: settled }), "production")).toEqual([]);
  const spared = { "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent" };
  const flux = thing("Service", "fraud", {
    labels: { ...ours, "kustomize.toolkit.fluxcd.io/name": "apps" },
    annotations: spared,
  });
  expect(checkOwners(flux, "production")).toEqual([]);
});

test("another's object and another channel's Service are refused", () => {
  expect(checkOwners(thing("Service", "fraud", { labels: {} }), "production")).toMatchObject([
    { code: "kubernetes.foreign" },
  ]);
  const staging = thing("Service", "fraud", { annotations: { "mlship.dev/channel": "staging" } });
  expect(checkOwners(staging, "production")).toMatchObject([{ code: "preflight.channel", exit: "usage" }]);
  expect(checkOwners(staging, "staging")).toEqual([]);
});

const pods = [{ app: "fraud", tier: "web" }];

function scaler(name: string, target: string): KubeObject {
  return {
    ...thing("HorizontalPodAutoscaler", name),
    spec: { scaleTargetRef: { kind: "Deployment", name: target } },
  };
}

test("a second autoscaler of the same Deployment is refused, its own is not", () => {
  const scalers = [scaler("rev", "rev"), scaler("other", "rev"), scaler("else", "else")];
  const found = checkOverlaps({ scalers, deployments: [], revision: "rev", pods });
  expect(found.map(({ what }) => what)).toEqual(["HorizontalPodAutoscaler other scales Deployment rev too"]);
});

test.each([
  [{ matchLabels: { app: "fraud" } }, true],
  [{ matchLabels: { app: "other" } }, false],
  [{ matchExpressions: [{ key: "tier", operator: "In", values: ["web"] }] }, true],
  [{ matchExpressions: [{ key: "tier", operator: "NotIn", values: ["web"] }] }, false],
  [{ matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
  [{ matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
])("a Deployment with selector %j takes our pods: %s", (selector, isGreedy) => {
  const foreign = { ...thing("Deployment", "web", { labels: {} }), spec: { selector } };
  const found = checkOverlaps({ scalers: [], deployments: [foreign], revision: "rev", pods });
  expect(found).toHaveLength(isGreedy ? 1 : 0);
  const own = { ...foreign, metadata: { name: "web", labels: ours } };
  expect(checkOverlaps({ scalers: [], deployments: [own], revision: "rev", pods })).toEqual([]);
});

test.each([
  ["v1.36.3", true],
  ["v1.27.0-eks-1", true],
  ["v1.26.15", false],
  ["v2.0.0", true],
])("Kubernetes %s is new enough: %s", (version, isNew) => {
  expect(checkVersion(version) === null).toBe(isNew);
});

test("the Role has every right that is asked for, and no more", () => {
  const gateway = deployedWith({ canary: { ...served.deploy.canary, split: "gateway" } });
  for (const { deploy } of [served, gateway]) {
    const needed = neededRights({ deploy });
    const { rules } = load(roleOf(needed, "mlship", "ml")) as {
      rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
    };
    const flat = (list: { group: string; resource: string; verb: string }[]) =>
      new Set(list.map(({ group, resource, verb }) => `${group}/${resource}/${verb}`));
    const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ group: apiGroups[0]!, resource, verb }))),
    );
    const wanted = needed.flatMap(({ group, resource, verbs }) =>
      verbs.map((verb) => ({ group, resource, verb })),
    );
    expect(flat(granted)).toEqual(flat(wanted));
    expect(JSON.stringify(rules)).not.toMatch(/\*|secrets|exec/);
  }
  const writesRoles = (deploy: typeof served.deploy) =>
    neededRights({ deploy }).some(({ resource, verbs }) => resource === "roles" && verbs.includes("create"));
  expect([writesRoles(served.deploy), writesRoles(gateway.deploy)]).toEqual([false, true]);
});

test("only what is denied lacks", async () => {
  const rights = neededRights(served);
  const can = (verb: string, group: string, resource: string) =>
    Promise.resolve(!(verb === "create" && group === "batch" && resource === "jobs"));
  expect(await lackingRights({ can }, rights)).toEqual([
    { group: "batch", resource: "jobs", verbs: ["create"] },
  ]);
});

test("the demand of a real full set is read from its Deployment", () => {
  const deployment = fullSetOf(served).find(({ kind }) => kind === "Deployment")!;
  const { template } = deployment["spec"] as { template: { spec: object } };
  const demand = demandOf(template.spec);
  expect(demand.get("requests.cpu")).toBe(0.5);
  expect(demand.get("limits.memory")).toBe(512 * 2 ** 20);
});
