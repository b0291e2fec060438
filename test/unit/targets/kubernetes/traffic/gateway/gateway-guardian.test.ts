// The guardian's objects: the least rights, the strictest pod, and the words that its program understands.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { guardianObjects } from "../../../../../../src/cluster/kinds/guardian.ts";

const guarded = {
  name: "fraud",
  namespace: "models",
  job: "fraud-1-1-0-aaaaaaaa-canary",
  routes: ["web", "inner"],
  image: `registry.example/fraud@sha256:${"a".repeat(64)}`,
  placed: { imagePullSecrets: [{ name: "pull" }] },
  countsStorage: true,
};

const objects = guardianObjects(guarded);
const [account, role, binding, job] = objects;

interface Pod {
  metadata: { labels: Record<string, string> };
  spec: { [key: string]: unknown; containers: { args: string[]; resources: { requests: object } }[] };
}
const podOf = (object: unknown) => (object as { spec: { template: Pod } }).spec.template;

describe("the guardian", () => {
  it("may touch the objects of its rollout by name, and write Events", () => {
    expect(role!["rules"]).toEqual([
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: ["fraud-rollout"],
        verbs: ["get", "update"],
      },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        resources: ["httproutes"],
        resourceNames: ["web", "inner"],
        verbs: ["get", "update"],
      },
      {
        apiGroups: [""],
        resources: ["services"],
        resourceNames: ["fraud", "fraud-stable"],
        verbs: ["get", "update"],
      },
      { apiGroups: ["batch"], resources: ["jobs"], resourceNames: [guarded.job], verbs: ["get", "delete"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
    ]);
    const names = objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]);
    expect(names).toEqual(
      ["ServiceAccount", "Role", "RoleBinding", "Job"].map((kind) => [kind, "fraud-guardian", "models"]),
    );
    expect(binding!["subjects"]).toEqual([
      { kind: "ServiceAccount", name: "fraud-guardian", namespace: "models" },
    ]);
    expect(account!["automountServiceAccountToken"]).toBe(false);
  });

  it("runs where the servers run, beyond the reach of their NetworkPolicy", () => {
    const { metadata, spec } = podOf(job);
    expect(metadata.labels["app.kubernetes.io/name"]).toBe("fraud-guardian");
    expect(spec).toMatchObject({
      imagePullSecrets: [{ name: "pull" }],
      serviceAccountName: "fraud-guardian",
      securityContext: { runAsNonRoot: true },
      containers: [
        {
          image: guarded.image,
          command: ["python3", "-m", "mlship_server", "guard"],
          securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
        },
      ],
    });
    expect(spec.containers[0]!.resources.requests).toHaveProperty("ephemeral-storage");
    const [, , , other] = guardianObjects({ ...guarded, countsStorage: false });
    expect(podOf(other).spec.containers[0]!.resources.requests).not.toHaveProperty("ephemeral-storage");
  });

  it("is told everything that its program requires, and nothing else", () => {
    const source = readFileSync("templates/server/mlship_server/__main__.py", "utf8");
    const known = [...source.matchAll(/guard\.add_argument\("--([a-z-]+)"/g)].map(([, option]) => option);
    const given = podOf(job).spec.containers[0]!.args.map((word) => /^--([a-z-]+)=/.exec(word)?.[1]);
    expect(known.length).toBeGreaterThan(5);
    expect(new Set(given)).toEqual(new Set(known));
    expect(given.filter((option) => option === "route")).toHaveLength(2);
  });
});
