// The objects of a rollout: which pods each of them counts, and that patches reach what they mean.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/cluster/manifest.ts";
import { canaryName, derivedName, namesOf, servedName } from "../../../src/cluster/names.ts";
import { objectsOf } from "../../../src/cluster/objects.ts";
import {
  baseObjectsOf,
  canaryJobOf,
  canaryServiceOf,
  filesOf,
  fullSetOf,
  routerObjectsOf,
  stableServiceOf,
  usersServiceOf,
} from "../../../src/cluster/rollout-objects.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";
import { deliveries, deployedWith, everything, served } from "./example.ts";
import { failureOf } from "./failure.ts";

type Labels = Record<string, string>;
interface Selecting {
  spec: {
    selector: Labels & { matchLabels?: Labels };
    podSelector?: { matchLabels: Labels };
    template: {
      metadata: { labels: Labels };
      spec: Record<string, unknown> & { containers: Record<string, unknown>[] };
    };
  };
}
const seen = (object: KubernetesObject | undefined) => object as unknown as Selecting;
const place = { image: "haproxy@sha256:0", stable: "10.0.0.1", canary: "10.0.0.2" };
const size = { pods: 2, deadlineSeconds: 30 };
const splitBy = (split: Served["deploy"]["canary"]["split"], release = served): Served => ({
  ...release,
  deploy: { ...release.deploy, canary: { ...release.deploy.canary, split } },
});
const kinds = (objects: KubernetesObject[]) => objects.map(({ kind }) => kind);
const ofKind = (objects: KubernetesObject[], kind: string) => objects.find((object) => object.kind === kind);
const deploymentOf = (release: Served) => seen(ofKind(fullSetOf(release), "Deployment"));
const matches = (selector: Labels | undefined, labels: Labels) =>
  selector !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value);

describe("names", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  const dns = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

  it("are DNS labels, whatever the model is called, and different ones for different models", () => {
    fc.assert(
      fc.property(label, label, (one, other) => {
        const [names, others] = [namesOf(one), namesOf(other)].map((made) => Object.values(made));
        for (const name of names ?? []) expect(name).toMatch(dns);
        expect(new Set(names).size).toBe(names?.length);
        if (one !== other) expect(names?.filter((name, at) => others?.[at] === name)).toEqual([]);
        const { id } = revisionOf(one, "1.0.0", `sha256:${"a".repeat(64)}`);
        expect(canaryName(id)).toBe(`${id}-canary`);
        expect(servedName(id)).toBe(`${id}-served`);
        expect(`${id}-canary`).toMatch(dns);
      }),
    );
    const long = "a".repeat(60);
    expect(derivedName(`${long}1`, "stable")).not.toBe(derivedName(`${long}2`, "stable"));
  });

  it("tell one release from itself with another configuration", () => {
    const release = `sha256:${"a".repeat(64)}` as const;
    const [one, other] = ["b", "c"].map((digit) =>
      revisionOf("fraud", "1.0.0", release, `sha256:${digit.repeat(64)}`),
    );
    expect(one).toEqual({ id: "fraud-1-0-0-bbbbbbbb", version: "1.0.0", release });
    expect(other?.id).toBe("fraud-1-0-0-cccccccc");
  });
});

describe("services", () => {
  const selectorOf = (object: KubernetesObject) => seen(object).spec.selector;

  it("lead users to the router, or to the stable revision, and carry the channel", () => {
    const users = (split: "router" | "gateway" | "replicas", stable: string | null) =>
      selectorOf(usersServiceOf(splitBy(split), { channel: "production", stable }));
    expect(users("router", "fraud-1")).toEqual({ "app.kubernetes.io/name": "fraud-router" });
    expect(users("gateway", null)).toEqual({
      "app.kubernetes.io/name": "fraud",
      "app.kubernetes.io/instance": "none",
    });
    expect(users("replicas", "fraud-1")).toEqual({
      "app.kubernetes.io/name": "fraud",
      "mlship.dev/traffic": "fraud-1",
    });
    expect(usersServiceOf(served, { channel: "production", stable: null }).metadata).toMatchObject({
      name: "fraud",
      annotations: { "mlship.dev/channel": "production" },
    });
  });

  it("of both sides reach nothing when they are made", () => {
    for (const object of [stableServiceOf(served), canaryServiceOf(served)]) {
      expect(selectorOf(object)).toMatchObject({ "app.kubernetes.io/instance": "none" });
      for (const labels of [deploymentOf(served), seen(canaryJobOf(served, size))])
        expect(matches(selectorOf(object), labels.spec.template.metadata.labels)).toBe(false);
    }
    expect(stableServiceOf(served).metadata.name).toBe("fraud-stable");
    expect(canaryServiceOf(served).metadata.name).toBe("fraud-canary");
  });

  it("by replicas: only pods of the stable revision, until a canary's pod is told to join", () => {
    const release = splitBy("replicas");
    const selector = selectorOf(usersServiceOf(release, { channel: "x", stable: release.revision }));
    const canary = seen(canaryJobOf(release, size)).spec.template.metadata.labels;
    expect(matches(selector, deploymentOf(release).spec.template.metadata.labels)).toBe(true);
    expect(matches(selector, canary)).toBe(false);
    expect(matches(selector, { ...canary, "mlship.dev/traffic": release.revision })).toBe(true);
    const before = selectorOf(usersServiceOf(release, { channel: "x", stable: null }));
    expect(matches(before, canary)).toBe(false);
  });
});

describe("canary job", () => {
  it.each(Object.entries(deliveries))(
    "%s: is the Deployment's pod, under labels of its own",
    (_name, release) => {
      const job = seen(canaryJobOf(release, size));
      const full = deploymentOf(release);
      const { restartPolicy, affinity, topologySpreadConstraints, ...pod } = job.spec.template.spec;
      const { affinity: _a, topologySpreadConstraints: _t, ...fullPod } = full.spec.template.spec;
      expect(pod).toEqual(fullPod);
      expect(restartPolicy).toBe("OnFailure");
      expect(JSON.stringify([affinity, topologySpreadConstraints])).toContain(`"${release.revision}-canary"`);
      expect(job.spec).toMatchObject({ parallelism: 2, completions: 1_000_000, activeDeadlineSeconds: 30 });
      expect(job.spec).not.toHaveProperty("ttlSecondsAfterFinished");
    },
  );

  it("is counted by the network policy, and by no Deployment, autoscaler or budget, patched or not", () => {
    const patches = [
      { kind: "Deployment", merge: { spec: { template: { metadata: { labels: { team: "risk" } } } } } },
    ];
    for (const release of [served, deployedWith({ patches }), splitBy("replicas"), everything]) {
      const { labels } = seen(canaryJobOf(release, size)).spec.template.metadata;
      const objects = [...baseObjectsOf(release), ...fullSetOf(release), ...routerIn(release)];
      const counting = objects.filter((object) => {
        const { selector, podSelector } = seen(object).spec ?? {};
        return matches(selector?.matchLabels ?? podSelector?.matchLabels, labels);
      });
      expect(new Set(kinds(counting))).toEqual(
        new Set(release.deploy.monitor === "none" ? ["NetworkPolicy"] : ["NetworkPolicy", "PodMonitor"]),
      );
      expect(labels).toMatchObject({
        "app.kubernetes.io/name": "fraud",
        "app.kubernetes.io/instance": `${release.revision}-canary`,
        "app.kubernetes.io/managed-by": "mlship",
        "mlship.dev/role": "canary",
      });
    }
  });

  it("has the patches of the Deployment", () => {
    const patches = [
      {
        kind: "Deployment",
        merge: {
          spec: {
            template: { spec: { containers: [{ name: "server", env: [{ name: "A", value: "1" }] }] } },
          },
        },
      },
    ];
    const job = seen(canaryJobOf(deployedWith({ patches }), size));
    expect(job.spec.template.spec.containers[0]).toMatchObject({ env: [{ name: "A", value: "1" }] });
  });
});

function routerIn(release: Served): KubernetesObject[] {
  return routerObjectsOf(release, place);
}

describe("what there is", () => {
  it("is what generate writes, in parts, the Service apart", () => {
    for (const release of [...Object.values(deliveries), everything]) {
      const generated = objectsOf(release).map(({ object }) => object);
      const parts = [...baseObjectsOf(release), ...fullSetOf(release)];
      const rest = generated.filter(({ kind }) => kind !== "Service");
      const byName = (objects: KubernetesObject[]) =>
        objects.toSorted((a, b) =>
          `${a.kind}${a.metadata.name}`.localeCompare(`${b.kind}${b.metadata.name}`),
        );
      expect(byName(parts)).toEqual(byName(rest));
    }
    expect(kinds(filesOf(deliveries.s3))).toEqual(["ConfigMap"]);
    expect(filesOf(served)).toEqual([]);
    expect(routerIn(splitBy("gateway"))).toEqual([]);
  });

  it("follows patches: without a name they mean the servers, with one what they name", () => {
    const annotated = (name?: string) =>
      deployedWith({
        patches: [
          {
            kind: "Deployment",
            ...(name === undefined ? {} : { name }),
            merge: { metadata: { annotations: { team: "risk" } } },
          },
        ],
      });
    const isPatched = (object: KubernetesObject | undefined) =>
      JSON.stringify(object).includes('"team":"risk"');
    for (const [release, server, router] of [
      [annotated(), true, false],
      [annotated("fraud-router"), false, true],
    ] as const) {
      expect(isPatched(ofKind(fullSetOf(release), "Deployment"))).toBe(server);
      expect(isPatched(ofKind(routerIn(release), "Deployment"))).toBe(router);
      expect(
        isPatched(
          ofKind(
            objectsOf(release).map(({ object }) => object),
            "Deployment",
          ),
        ),
      ).toBe(server);
    }
  });

  it("lets the router's pods run and pull where the servers may", () => {
    const wanted = {
      imagePullSecrets: [{ name: "pull" }],
      nodeSelector: { pool: "ml" },
      tolerations: [{ key: "ml", operator: "Exists" }],
    };
    const storage = { "ephemeral-storage": null };
    const merge = {
      spec: {
        template: {
          spec: {
            ...wanted,
            containers: [{ name: "server", resources: { requests: storage, limits: storage } }],
          },
        },
      },
    };
    const router = seen(
      ofKind(routerIn(deployedWith({ patches: [{ kind: "Deployment", merge }] })), "Deployment"),
    );
    expect(router.spec.template.spec).toMatchObject(wanted);
    expect(JSON.stringify(router)).not.toContain("ephemeral-storage");
    expect(JSON.stringify(ofKind(routerIn(served), "Deployment"))).toContain("ephemeral-storage");
  });

  it("refuses a patch that takes away what a rollout cannot do without", () => {
    const without = deployedWith({ patches: [{ kind: "Deployment", merge: { $patch: "delete" } }] });
    expect(failureOf(() => canaryJobOf(without, size))).toMatchObject({
      code: "deploy.patch-invalid",
      exit: "usage",
    });
    const empty = deployedWith({ patches: [{ kind: "Deployment", merge: { spec: { template: "x" } } }] });
    expect(failureOf(() => canaryJobOf(empty, size)).code).toBe("deploy.patch-invalid");
  });
});

it("reads a release whose patch names the router of another split", () => {
  const patch = {
    kind: "Deployment",
    name: namesOf(served.name).router,
    merge: { spec: { minReadySeconds: 3 } },
  };
  const released = deployedWith({ patches: [patch] });
  expect(kinds(fullSetOf(splitBy("replicas", released)))).toEqual(kinds(fullSetOf(splitBy("replicas"))));
  const routers = routerObjectsOf(released, place).find(({ kind }) => kind === "Deployment");
  expect(routers).toMatchObject({ spec: { minReadySeconds: 3 } });
});
