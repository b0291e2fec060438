// The real binary on a real project and a real cluster: from mlship.yaml to users, and everything that a person or a death does to it.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Load } from "../../scripts/load.ts";
import { eventually, openCancer, userRows, type Project, type Running } from "../e2e/project.ts";
import { openSite, routerImage, type Site, type Watcher } from "./kit.ts";

const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
/** What a CI job says about itself. */
const ci = {
  CI: "true",
  GITHUB_SERVER_URL: "https://ci.example",
  GITHUB_REPOSITORY: "team/tumour",
  GITHUB_RUN_ID: "77",
};
let site: Site;
let project: Project;
let load: Load;
let watcher: Watcher;

/** Puts a version of the model in place, with its lock. */
async function handOver(version: string): Promise<void> {
  // The testbed's kubelet does not count local storage, so its node offers none.
  const storage = { "ephemeral-storage": null };
  const server = {
    name: "server",
    resources: { requests: { ...storage, cpu: "50m" }, limits: { ...storage, cpu: "1" } },
    lifecycle: { preStop: { sleep: { seconds: 2 } } },
  };
  await project.handOver(version, version, {
    image: {
      repository: `${registry}/mlship-test/deploy-${process.pid}`,
      base: `${registry}/library/python:3.11-slim`,
    },
    deploy: {
      target: "kubernetes",
      context: "testbed",
      namespace: site.namespace,
      replicas: { min: 2, max: 3 },
      resources: { cpu: "200m", memory: "256Mi" },
      router: { image: routerImage },
      canary: { steps: [20, 50], interval: "2s", maxHarm: 0.05, bake: "60s" },
      patches: [
        {
          kind: "Deployment",
          merge: { spec: { minReadySeconds: 0, template: { spec: { containers: [server] } } } },
        },
      ],
    },
  });
  await project.mlship(["lock"]);
}

/** Waits until a command has said so. @throws when it ended before */
async function hasSaid(running: Running, words: string, seconds = 90): Promise<void> {
  let isOver = false;
  void running.ended.then(() => (isOver = true));
  await eventually(words, () => running.told().includes(words) || isOver, seconds, 100);
  if (!running.told().includes(words)) throw new Error(`ended without “${words}”: ${running.told()}`);
}

beforeAll(async () => {
  site = openSite("tumour");
  project = await openCancer();
  await handOver("1.0.0");
});

afterAll(async () => {
  await load?.stop();
  await project.close();
  await site.close();
});

test("the first version: judged, built, pushed, proven and promoted", async () => {
  const { told } = await project.mlship(["deploy"]);
  expect(told).toContain(`context testbed (https://127.0.0.1:6443), namespace ${site.namespace}`);
  expect(told).toContain("✔ 1.0.0 was promoted");
  expect(told).toContain(`1.0.0 serves everything at http://tumour.${site.namespace}.svc/predict`);
  expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" }, expected: "1.0.0" });
  load = site.load(60, { rows: await userRows(), seconds: 280 });
  watcher = site.watch(2);
});

test("a plan that cannot work is refused before anything is built", async () => {
  const hopeless = ["--set", "deploy.canary.steps=[0.1]", "--set", "deploy.canary.hold=1s"];
  await handOver("1.1.0");
  const { told } = await project.mlship(["deploy", ...hopeless], 2);
  expect(told).toMatch(/the step at 0\.1 % needs \d+ canary requests to be judged, and 0 are to be expected/);
  expect(told).not.toContain("image");
});

test("a second deploy meets the lock; killed at half of the traffic, the next deploy takes it up", async () => {
  const killed = project.start(["deploy"], ci);
  await hasSaid(killed, "- canary 20 %");
  const watching = project.start(["status", "--watch"]);
  const second = await project.mlship(["deploy"], 6);
  expect(second.told).toMatch(/`mlship deploy` by \w+ is at work on this deployment/);
  expect(second.told).toContain(hostname());
  expect(second.told).toMatch(/since 20\d\d-/);
  expect(second.told).toContain("https://ci.example/team/tumour/actions/runs/77");
  await hasSaid(killed, "- canary 50 %");
  killed.process.kill("SIGKILL");
  expect((await killed.ended).code).toBeNull();
  watching.process.kill("SIGINT");
  const seen = await watching.ended;
  expect([seen.code, seen.stderr]).toEqual([130, expect.stringContaining("deploy of 1.1.0, begun")]);

  const next = project.start(["deploy"]);
  await hasSaid(next, "- canary 20 %");
  expect(next.told()).toContain("1.1.0");
  // A person who has seen enough, at another terminal; then one who regrets it.
  const { told } = await project.mlship(["promote"]);
  expect(told).toMatch(/promote of 1\.1\.0: under way/);
  await hasSaid(next, "- watch 1.1.0, 1.0.0 kept warm");
  const back = await project.mlship(["rollback"]);
  expect(back.told).toContain("1.0.0 serves everything");
  expect((await next.ended).code).toBe(3);
  expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" }, canary: null, rollout: null });
});

test("Ctrl-C takes the canary back: exit 130", async () => {
  const running = project.start(["deploy"]);
  await hasSaid(running, "- canary 20 %");
  running.process.kill("SIGINT");
  const { code, told } = await running.ended;
  expect([code, told]).toEqual([130, expect.stringContaining("1.0.0 serves everything")]);
  expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" }, canary: null, share: 0 });
});

test("in CI: a good version is promoted, told line by line, as events and as a summary", async () => {
  const [events, summary] = [project.file("events.jsonl"), project.file("summary.md")];
  const { stderr } = await project.mlship(
    ["deploy", "--events", events, "--set", "deploy.canary.bake=2s"],
    0,
    { ...ci, GITHUB_STEP_SUMMARY: summary },
  );
  expect(stderr).toMatch(/✔ canary 50 %: \d+ canary requests so far, 0 failed/);
  expect(stderr).not.toContain("\u001b");
  const lines = (await readFile(events, "utf8")).trim().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "") as object;
  expect(last).toMatchObject({
    schema: "mlship.event/v1",
    event: "ended",
    outcome: "promoted",
    version: "1.1.0",
  });
  expect(await readFile(summary, "utf8")).toContain("### mlship: tumour 1.1.0 was promoted");
});

test("rollback goes back, rollback --to goes anywhere, and no user saw anything of it all", async () => {
  await project.mlship(["rollback"]);
  expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" }, expected: "1.0.0" });
  await project.mlship(["rollback", "--to", "1.1.0", "--now"]);
  expect(await project.status()).toMatchObject({ stable: { version: "1.1.0" }, expected: "1.1.0" });
  expect(await project.history()).toEqual([
    "promote 1.0.0",
    "take-back 1.1.0",
    "take-back 1.1.0",
    "take-back 1.1.0",
    "promote 1.1.0",
    "rollback 1.0.0",
    "rollback 1.1.0",
  ]);
  const { failures, failed } = await load.stop();
  expect({ failures, failed }).toEqual({ failures: [], failed: 0 });
  expect(await watcher.stop()).toEqual([]);
});

test("stop leaves nothing of the model in the namespace", async () => {
  await project.mlship(["stop", "--yes"]);
  const kinds = "all,configmap,lease,serviceaccount,networkpolicy,pdb,role,rolebinding";
  const left = execFileSync(
    "kubectl",
    ["-n", site.namespace, "get", kinds, "-l", "app.kubernetes.io/managed-by=mlship", "-o", "name"],
    { encoding: "utf8" },
  ).split("\n");
  // Pods end in their own time.
  expect(left.filter((name) => name !== "" && !name.startsWith("pod/"))).toEqual([]);
});
