// `mlship doctor`: everything is looked at whatever is wrong with the rest, and each fault comes with its cure.
import { beforeEach, describe, expect, test } from "vitest";
import { FakeServer } from "../unit/targets/kubernetes/fake-api.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { makeProject, write } from "./project.ts";

interface Finding {
  check: string;
  outcome: string;
  found: string;
  fix: string | null;
  code: string | null;
}

let machine: Machine;
beforeEach(() => {
  machine = new Machine(makeProject());
  machine.keeping = {
    now: machine.world.clock.now(),
    versioning: true,
    lock: false,
    lifecycle: { aborts: true, expires: false },
  };
});

/** The findings by what was looked at. */
async function examine(...flags: string[]) {
  const ran = await machine.run("doctor", "--json", ...flags);
  const findings = documentOf(ran)["findings"] as Finding[];
  return { exit: ran.exit, findings, by: new Map(findings.map((one) => [one.check, one])) };
}

const inBucket = ["--set", "artifacts.store=s3://acme-models/fraud"];
const onCluster = ["--set", "deploy.target=kubernetes", "--set", "deploy.namespace=ml"];

describe("a project that lacks nothing", () => {
  test("on this machine needs files, Python and a store", async () => {
    const { exit, findings } = await examine();
    expect(exit).toBe(0);
    expect(findings.map(({ check, outcome }) => [check, outcome])).toEqual([
      ["mlship.yaml", "ok"],
      ["model", "ok"],
      ["data", "ok"],
      ["python", "ok"],
      ["store", "ok"],
    ]);
    expect([...machine.store.objects.keys()].filter((key) => !key.startsWith("probe/"))).toEqual([
      "mlship.json",
    ]);
  });

  test("in a bucket is asked how the bucket keeps things", async () => {
    const { exit, by } = await examine(...inBucket);
    expect(exit).toBe(0);
    for (const check of ["store", "clock", "bucket", "lifecycle"])
      expect(by.get(check)).toMatchObject({ outcome: "ok", fix: null });
  });

  test("on a cluster needs Docker, a registry and every right there", async () => {
    const server = new FakeServer(machine.world.clock);
    server.set({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
    machine.openCluster = () => server.client();
    machine.kubeconfig = {
      current: "lab",
      contexts: [{ name: "lab", server: "https://cluster.example", namespace: "default" }],
    };
    const { exit, findings, by } = await examine(
      ...onCluster,
      "--set",
      "image.repository=registry.example/fraud",
    );
    expect(findings.map(({ check }) => check)).toEqual([
      "mlship.yaml",
      "model",
      "data",
      "python",
      "docker",
      "registry",
      "cluster",
      "store",
    ]);
    expect(findings.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
    expect(by.get("cluster")?.found).toContain("https://cluster.example");
    expect(exit).toBe(0);
  });
});

describe("what is wrong", () => {
  test("is all told at once, each with its cure, and the rest is looked at all the same", async () => {
    machine.faults.isMissing = true;
    machine.docker.isMissing = true;
    const { exit, by } = await examine(
      ...onCluster,
      "--set",
      "validate.data=gone.csv",
      "--set",
      "model.path=gone.json",
      "--set",
      "image.delivery=s3",
    );
    expect(exit).toBe(5);
    const codes = Object.fromEntries([...by].map(([check, { code }]) => [check, code]));
    expect(codes).toEqual({
      "mlship.yaml": null,
      model: "model.not-found",
      data: "data.missing",
      python: "python.missing",
      docker: expect.stringMatching(/^docker\./) as unknown,
      delivery: "cluster.store",
      store: null,
      cluster: "kubernetes.kubeconfig",
    });
    for (const { outcome, fix } of by.values()) if (outcome === "fail") expect(fix).toMatch(/\w/);
  });

  test("in mlship.yaml ends it there, as it ends every verb", async () => {
    write(machine.folder, { "mlship.yaml": "name: Fraud!\nversion: one\nmodel: { path: model.json }\n" });
    const ran = await machine.run("doctor", "--json");
    expect(ran.exit).toBe(2);
    expect(documentOf(ran)).toMatchObject({ schema: "mlship.error/v1", code: "config.invalid" });
  });

  test.each([
    ["a bucket that keeps nothing", { versioning: false, lock: false }, "bucket", "versioning"],
    [
      "uploads that nobody removes",
      { lifecycle: { aborts: false, expires: false } },
      "lifecycle",
      "AbortIncomplete",
    ],
  ])("warns of %s", async (_what, keeping, check, fix) => {
    Object.assign(machine.keeping, keeping);
    const { exit, by } = await examine(...inBucket);
    expect(exit).toBe(0);
    expect(by.get(check)).toMatchObject({ outcome: "warn", fix: expect.stringContaining(fix) as unknown });
  });

  test("warns of a clock that is a minute off, and not of one that is seconds off", async () => {
    const at = (ms: number) => new Date(machine.world.clock.now().getTime() + ms);
    machine.keeping.now = at(20_000);
    expect((await examine(...inBucket)).by.get("clock")).toMatchObject({ outcome: "ok" });
    machine.keeping.now = at(-300_000);
    const { by } = await examine(...inBucket);
    expect(by.get("clock")).toMatchObject({ outcome: "warn", found: "the store's is 300 s behind" });
  });

  test("is a rule that removes releases", async () => {
    machine.keeping.lifecycle = { aborts: true, expires: true };
    const { exit, by } = await examine(...inBucket);
    expect([exit, by.get("lifecycle")?.code]).toEqual([5, "store.expires"]);
  });

  test("is said to be unknown where the bucket does not tell", async () => {
    Object.assign(machine.keeping, { versioning: null, lock: null, lifecycle: null });
    const { exit, by } = await examine(...inBucket);
    expect(exit).toBe(0);
    expect([by.get("bucket"), by.get("lifecycle")]).toMatchObject([{ outcome: "ok" }, { outcome: "ok" }]);
  });

  test("is a store that lets two win", async () => {
    const create = machine.store.create.bind(machine.store);
    machine.store.create = async (key, body) => {
      machine.store.objects.delete(key);
      return await create(key, body);
    };
    const { exit, by } = await examine();
    expect([exit, by.get("store")?.code]).toEqual([5, "store.unsafe"]);
    // One fault is told once: the bucket is not asked how it keeps what it does not take.
    expect([...(await examine(...inBucket)).by.keys()]).not.toContain("bucket");
  });
});

test("people see a line for each, and the cure below it; programs a line with tabs", async () => {
  machine.faults.isMissing = true;
  const lines = (await machine.run("doctor")).stdout.split("\n");
  expect(lines).toContainEqual(expect.stringMatching(/^ok\tmodel\tmodel\.json, xgboost/));
  expect(lines).toContainEqual(expect.stringMatching(/^fail\tpython\t.*\tinstall Python/));
  machine.isTerminal = true;
  machine.columns = 60;
  const { stdout } = await machine.run("doctor", "--no-color");
  expect(stdout).toMatch(/^✔ mlship\.yaml {2}fraud 1\.0\.0/);
  expect(stdout).toMatch(/\n✖ python {7}[^\n]+\n( {15}[^\n]+\n)* {15}fix: install/);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});

describe("--policy", () => {
  test("prints the writer's policy as IAM takes it, and touches nothing", async () => {
    const before = machine.snapshot();
    const ran = await machine.run("doctor", "--policy", ...inBucket);
    expect(ran.exit).toBe(0);
    expect(documentOf(ran)).toMatchObject({
      Version: "2012-10-17",
      Statement: [{ Resource: ["arn:aws:s3:::acme-models/fraud/*"] }, {}, {}, {}],
    });
    expect(machine.snapshot()).toEqual(before);
  });

  test("prints another role's, and says which with --json", async () => {
    const document = documentOf(await machine.run("doctor", "--policy", "pod", "--json", ...inBucket));
    expect(document).toMatchObject({
      schema: "mlship.policy/v1",
      role: "pod",
      policy: { Statement: [{ Action: ["s3:GetObject"] }] },
    });
  });

  test("is refused for a folder and for an unknown role", async () => {
    expect((await machine.run("doctor", "--policy")).stderr).toContain("permissions");
    expect((await machine.run("doctor", "--policy", "owner", ...inBucket)).exit).toBe(2);
  });
});
