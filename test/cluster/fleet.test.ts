// Revisions on the real cluster: tried out, made whole, promoted by one write, taken away; and what people do to them.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Revision, HeldLock } from "../../src/rollout/ports.ts";
import { golden, openSite, type Site } from "./kit.ts";
import { holderCalled, openKitTarget, releaseOf, type Opened, type Release } from "./kit/target.ts";

let site: Site;
let opened: Opened;
let first: Release;
let second: Release;
let held: HeldLock;

const jsonpath = (kind: string, name: string, path: string) =>
  site.kubectl("get", kind, name, "-o", `jsonpath={${path}}`, "--ignore-not-found");

beforeAll(async () => {
  site = openSite("fleet");
  first = releaseOf(site, { version: "1.0.0" });
  second = releaseOf(site, { version: "1.1.0", canary: { steps: [20, 50] } });
  opened = await openKitTarget(site, [first, second]);
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

async function whole(revision: Revision): Promise<void> {
  const { fleet } = opened.target;
  await fleet.expand(revision);
  const until = Date.now() + 90_000;
  while (!(await fleet.isWhole(revision))) {
    if (Date.now() > until) throw new Error(`${revision.id} was not whole in time`);
    await sleep(500);
    await held.renew();
  }
}

test("a first release is made whole, answers right, and is promoted", async () => {
  const { target } = opened;
  expect(await target.observe()).toMatchObject({ stable: null, canary: null, endpoint: null });
  held = await target.lock.acquire(holderCalled("mlship deploy"));
  await whole(first.revision);
  expect((await target.observe()).stable).toBeNull();
  const { rows, maxDelta } = golden.compare(await target.fleet.predict(first.revision, golden.columns));
  expect({ rows, isRight: maxDelta < 1e-9 }).toEqual({ rows: 100, isRight: true });
  await target.fleet.promote(first.revision);
  expect(await target.observe()).toMatchObject({ stable: first.revision, canary: null, share: 0 });
  expect(await target.recover()).toEqual([]);
});

test("a second one is tried out, takes over while users come, and the first stays warm", async () => {
  const { target } = opened;
  const { fleet, traffic } = target;
  const watcher = site.watch(2);
  const load = site.load(20);
  await fleet.start(second.revision);
  await fleet.ready(second.revision, 60_000);
  expect((await target.observe()).canary).toEqual(second.revision);
  await traffic.set(second.revision, 0.5);
  // Stable is scaled by a person meanwhile: who takes over has what it has.
  site.kubectl("scale", "deployment", first.revision.id, "--replicas=3");
  await whole(second.revision);
  expect(jsonpath("deployment", second.revision.id, ".spec.replicas")).toBe("3");
  await traffic.renew();
  await fleet.promote(second.revision);
  expect(await target.observe()).toMatchObject({
    stable: second.revision,
    canary: null,
    previous: first.revision,
    share: 0,
  });
  // Idle, it would be scaled down by its autoscaler, and a rollback would find too few.
  expect(jsonpath("hpa", first.revision.id, ".spec.minReplicas")).toBe("3");
  const began = Date.now();
  await fleet.promote(first.revision);
  expect(Date.now() - began).toBeLessThan(5_000);
  await fleet.promote(second.revision);
  await sleep(2_000);
  const report = await load.stop();
  expect(report).toMatchObject({ failed: 0 });
  expect(await watcher.stop()).toEqual([]);
  await expect(fleet.retire(second.revision)).rejects.toMatchObject({ code: "rollout.is-stable" });
  await fleet.retire(first.revision);
  expect(await target.observe()).toMatchObject({ stable: second.revision, previous: null });
  expect(jsonpath("deployment", first.revision.id, ".metadata.name")).toBe("");
  expect(jsonpath("hpa", second.revision.id, ".spec.minReplicas")).toBe("2");
  await held.release();
});

test("what people and other tools did is told, and what stable lacks is made again", async () => {
  const { target } = opened;
  const { id } = second.revision;
  site.kubectl("delete", "deployment", `${site.name}-router`, "--wait=false");
  site.kubectl("delete", "service", `${site.name}-canary`);
  site.kubectl("set", "env", `deployment/${id}`, "MLSHIP_LOG=debug");
  site.kubectl("set", "resources", `deployment/${id}`, "--limits=memory=300Mi");
  const said = await target.recover();
  expect(said.join("\n")).toMatch(/Service fleet-canary had been removed and is there again/);
  expect(said.join("\n")).toMatch(/the router fleet-router had been removed and is made again/);
  expect(said.join("\n")).toMatch(/somebody changed .*resources\.limits\.memory/);
  expect(jsonpath("deployment", `${site.name}-router`, ".metadata.name")).toBe(`${site.name}-router`);
  site.kubectl(
    "patch",
    "service",
    `${site.name}-stable`,
    "-p",
    '{"spec":{"selector":{"app.kubernetes.io/instance":"mine"}}}',
  );
  expect((await target.recover()).join("\n")).toMatch(
    /Service fleet-stable was changed by something else and led to mine/,
  );
  expect((await target.observe()).stable).toEqual(second.revision);
});

test("stop leaves nothing of the model behind", async () => {
  await opened.target.stop();
  const kinds = "deployments,jobs,services,configmaps,hpa,pdb,networkpolicies,serviceaccounts,leases";
  expect(site.kubectl("get", kinds, "-l", "app.kubernetes.io/managed-by=mlship", "-o", "name")).toBe("");
  expect(await opened.target.observe()).toMatchObject({ stable: null, canary: null, endpoint: null });
});
