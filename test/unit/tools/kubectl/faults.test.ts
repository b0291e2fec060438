// What the API server's bad answers mean, with answers as it and kubectl gave them.
import { expect, test } from "vitest";
import { faultOf, notReached } from "../../../../src/tools/kubectl/faults.ts";

const asked = {
  verb: "patch",
  object: "Deployment fraud",
  resource: "deployments.apps",
  namespace: "ml",
  context: "kind",
};

function answer(status: number, message: string, more: object = {}) {
  const body = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message, ...more });
  return faultOf({ status, headers: { "content-type": "application/json" }, body }, asked);
}

function byKubectl(body: string) {
  return faultOf({ status: 502, headers: { "content-type": "text/plain; charset=utf-8" }, body }, asked);
}

test("a lack of rights is told from other refusals with the same status", () => {
  const user =
    'deployments.apps "fraud" is forbidden: User "ada" cannot patch resource "deployments" in API group "apps" in the namespace "ml"';
  expect(answer(403, user)).toMatchObject({
    code: "kubernetes.denied",
    exit: "unavailable",
    what: "the user of context kind may not patch deployments.apps in namespace ml",
  });
  for (const refused of [
    'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3',
    'pods "a" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
    'configmaps "a" is forbidden: unable to create new content in namespace ml because it is being terminated',
  ]) {
    expect(answer(403, refused)).toMatchObject({ code: "kubernetes.refused", why: refused });
  }
});

test("a conflict names the manager and the field; another 409 is a change by somebody else", () => {
  const causes = [
    { reason: "FieldManagerConflict", message: 'conflict with "argocd-controller"', field: ".spec.replicas" },
  ];
  expect(
    answer(409, "Apply failed with 1 conflict", { reason: "Conflict", details: { causes } }),
  ).toMatchObject({
    code: "kubernetes.conflict",
    exit: "attention",
    why: 'conflict with "argocd-controller" at .spec.replicas',
  });
  expect(answer(409, "the object has been modified", { reason: "Conflict" })).toMatchObject({
    code: "kubernetes.stale",
    exit: "attention",
  });
});

test("a namespace that is not there is named", () => {
  expect(answer(404, 'namespaces "ml" not found')).toMatchObject({
    code: "kubernetes.namespace",
    exit: "unavailable",
  });
});

test("credentials that do not work are told from a cluster that does not answer", () => {
  expect(answer(401, "Unauthorized")).toMatchObject({ code: "kubernetes.credentials" });
  expect(byKubectl("getting credentials: exec: executable aws failed with exit code 255")).toMatchObject({
    code: "kubernetes.credentials",
  });
  expect(byKubectl("dial tcp 127.0.0.1:6443: connect: connection refused")).toMatchObject({
    code: "kubernetes.unreachable",
  });
  expect(answer(503, "etcdserver: request timed out")).toMatchObject({ code: "kubernetes.unreachable" });
});

test("a write without an answer says that it may have been carried out, a read does not", () => {
  expect(notReached("silence", asked).why).toContain("whether it was carried out is not known");
  expect(notReached("silence", { ...asked, verb: "get" }).why).toBe("silence");
});
