// Pods that cannot start, on the real cluster: told with the cause and the container's last lines, long before a timeout.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HeldLock } from "../../src/rollout/ports.ts";
import { canaryTrouble, crewOf } from "../../src/targets/kubernetes/pods/pods.ts";
import { openSite, type Site, type Variant } from "./kit.ts";
import { holderCalled, openKitTarget, releaseOf, type Opened } from "./kit/target.ts";

const nowhere = `sha256:${"0".repeat(64)}`;
// The testbed's node offers no local storage.
const noStorage = { "ephemeral-storage": null };
const broken: Record<string, Variant> = {
  "1.0.1": { fault: { loadError: "the model was saved by sklearn 9.9" } },
  "1.0.2": { image: `${process.env["MLSHIP_TEST_REGISTRY"]}/cluster-kit@${nowhere}` },
  "1.0.3": { container: { envFrom: [{ configMapRef: { name: "absent" } }] } },
  "1.0.4": { container: { resources: { requests: { cpu: "64" }, limits: { cpu: "64" } } } },
  "1.0.5": {
    container: {
      resources: {
        limits: { ...noStorage, memory: "24Mi" },
        requests: { ...noStorage, memory: "24Mi", cpu: "50m" },
      },
    },
  },
};

let site: Site;
let opened: Opened;
let held: HeldLock;

beforeAll(async () => {
  site = openSite("pods");
  const releases = Object.entries(broken).map(([version, variant]) =>
    releaseOf(site, { version, ...variant }),
  );
  opened = await openKitTarget(site, [...releases, releaseOf(site, { version: "1.0.0" })]);
  held = await opened.target.lock.acquire(holderCalled("mlship deploy"));
});

afterAll(async () => {
  await held.release();
  opened.cluster.close();
  await site.close();
});

test.each([
  ["1.0.1", "rollout.not-ready", /ended by itself[\s\S]*the model was saved by sklearn 9\.9/],
  ["1.0.2", "rollout.no-servers", /(ErrImagePull|ImagePullBackOff): [\s\S]*not found/],
  ["1.0.3", "rollout.no-servers", /CreateContainerConfigError: configmap "absent" not found/],
  ["1.0.4", "rollout.no-servers", /no node takes it: .*Insufficient cpu/],
  ["1.0.5", "rollout.not-ready", /container server was killed for memory \(OOMKilled\)/],
])("%s is told as %s", async (version, code, why) => {
  const { fleet } = opened.target;
  const { revision } = releaseOf(site, { version, ...broken[version] });
  await fleet.start(revision);
  const began = Date.now();
  const failed = fleet.ready(revision, 60_000);
  await expect(failed).rejects.toMatchObject({ code, why: expect.stringMatching(why) });
  process.stdout.write(`${version} was told after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  // Ten seconds on a machine that has nothing else to do; what must not be waited for is the timeout.
  expect(Date.now() - began).toBeLessThan(40_000);
  await held.renew();
  await fleet.retire(revision);
});

test("a server that is taken off its node comes back", async () => {
  const { fleet } = opened.target;
  const { revision } = releaseOf(site, { version: "1.0.0" });
  await fleet.start(revision);
  await fleet.ready(revision, 60_000);
  const job = `${revision.id}-canary`;
  const [pod = ""] = site
    .kubectl("get", "pods", "-l", `app.kubernetes.io/instance=${job}`, "-o", "name")
    .split("\n");
  // As an eviction does it: the server gets SIGTERM, drains, and ends well.
  site.kubectl("delete", pod, "--wait=false");
  await sleep(1_000);
  await fleet.ready(revision, 60_000);
  expect(await canaryTrouble(opened.cluster, await crewOf(opened.cluster, "Job", job))).toBeNull();
});
