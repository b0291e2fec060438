// `mlship deploy` from a folder to traffic, and every way in which it ends.
import { expect, test } from "vitest";
import { documentOf, Machine } from "./fake-host.ts";
import { boosters, boosterText, features, makeProject, write } from "./project.ts";
import { handOver, serving } from "./serving.ts";
import { revisionOf } from "../../src/rollout/revision.ts";
import type { Digest } from "../../src/digest.ts";

async function told(machine: Machine): Promise<string[]> {
  const { entries } = documentOf(await machine.run("history", "--json")) as {
    entries: { action: string; version: string }[];
  };
  return entries.toReversed().map(({ action, version }) => `${action} ${version}`);
}

test("the first version: stored, started, checked with labelled rows, promoted", async () => {
  const machine = new Machine(makeProject());
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(0);
  expect(ran.stdout).toContain("1.0.0 serves everything at http://127.0.0.1:1/predict");
  expect(machine.world.stable?.version).toBe("1.0.0");
  expect(machine.world.calls).toContain("predict");
  expect(machine.world.broken).toEqual([]);
  expect(await told(machine)).toEqual(["promote 1.0.0"]);
});

test("the second version goes through its canary to promotion", async () => {
  const machine = await serving();
  const titles: string[] = [];
  machine.onStep = (title) => titles.push(title);
  const ran = await machine.run("deploy", "--json", "--set", "validate.gates.accuracy.maxDrop=0.05");
  expect(ran.exit).toBe(0);
  expect(titles.filter((title) => title.startsWith("canary"))).toEqual([
    "canary 5 %",
    "canary 25 %",
    "canary 50 %",
  ]);
  const document = documentOf(ran);
  expect(document).toMatchObject({
    schema: "mlship.deploy/v1",
    version: "1.1.0",
    serving: "1.1.0",
    plan: { kind: "canary" },
    report: { verdict: "pass", baseline: { version: "1.0.0" } },
    rollout: { outcome: "promoted", interrupted: false, golden: { rows: 200, flips: 0 } },
  });
  expect(machine.world).toMatchObject({
    stable: { version: "1.1.0" },
    canary: null,
    previous: null,
    share: 0,
  });
  expect(machine.world.broken).toEqual([]);
  expect(await told(machine)).toEqual(["promote 1.0.0", "promote 1.1.0"]);
});

test("--dry-run validates and plans; it stores and starts nothing", async () => {
  const machine = await serving();
  const before = machine.snapshot();
  const ran = await machine.run("deploy", "--dry-run", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({
    serving: "1.0.0",
    release: null,
    rollout: null,
    plan: { kind: "canary", from: { version: "1.0.0" }, to: { version: "1.1.0" } },
  });
  const after = machine.snapshot();
  expect(after.store).toEqual(before.store);
  expect(after.target).toEqual(before.target);
  const { stdout } = await machine.run("deploy", "--dry-run");
  expect(stdout).toMatchInlineSnapshot(`
    "plan for fraud 1.1.0 to this machine, port 8080
      1. start 1.1.0 without traffic
      2. replay the golden rows through it and compare every answer
      3. send it 5 % of requests for at least 3 s, until about 74 of them succeeded
      4. send it 25 % of requests for at least 3 s, until about 149 of them
         succeeded
      5. send it 50 % of requests for at least 3 s, until about 299 of them
         succeeded
      6. start all servers of 1.1.0 without traffic
      7. replay the golden rows through it and compare every answer
      8. let 1.1.0 serve in place of 1.0.0
      9. keep 1.0.0 warm for 3 s and watch
     10. stop 1.0.0
    nothing was stored or started: this was a dry run
    "
  `);
});

test("a version that a gate refuses: exit 3, an entry in the ledger, nothing stored or started", async () => {
  const machine = await serving();
  handOver(machine, "1.2.0", "worse");
  const before = machine.snapshot();
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(3);
  expect(ran.stdout).toContain("fraud 1.2.0 was not deployed: nothing was started, 1.0.0 serves as before");
  const after = machine.snapshot();
  expect(after.target).toEqual(before.target);
  const added = Object.keys(after.store).filter((key) => !(key in before.store));
  expect(added).toEqual([expect.stringContaining("channels/")]);
  expect(await told(machine)).toEqual(["promote 1.0.0", "refuse 1.2.0"]);
});

test("the version that serves already: nothing to do, exit 0", async () => {
  const machine = new Machine(makeProject());
  await machine.run("deploy");
  const before = machine.snapshot();
  const ran = await machine.run("deploy");
  expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining("nothing to do") as string });
  const after = machine.snapshot();
  expect({ ...after, files: {} }).toEqual({ ...before, files: {} });
});

/** The revision that 1.1.0 will run as, known once it is stored. */
async function storedRevision(machine: Machine) {
  const { release } = documentOf(await machine.run("upload", "--json")) as { release: { digest: Digest } };
  return revisionOf("fraud", "1.1.0", release.digest);
}

test("a canary that fails requests is taken back: exit 3, and it says how many failed", async () => {
  const machine = await serving();
  machine.world.behaves(await storedRevision(machine), { errorRate: () => 0.2 });
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(3);
  expect(ran.stdout).toMatch(/1\.1\.0 was taken back/);
  expect(ran.stdout).toMatch(/its canary had \d+ requests and failed \d+/);
  expect(ran.stdout).toContain("1.0.0 serves everything");
  expect(machine.world).toMatchObject({ stable: { version: "1.0.0" }, canary: null, share: 0 });
  expect(machine.world.broken).toEqual([]);
  expect(await told(machine)).toEqual(["promote 1.0.0", "take-back 1.1.0"]);
});

test("too few requests to decide: exit 4, nothing promoted", async () => {
  const machine = await serving();
  machine.world.quietFrom = "start";
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(4);
  expect(documentOf(ran)).toMatchObject({
    serving: "1.0.0",
    rollout: { outcome: "inconclusive", why: { exit: "inconclusive" } },
  });
  expect(machine.world).toMatchObject({ stable: { version: "1.0.0" }, canary: null, share: 0 });
});

test("a plan that cannot work is refused before anything is stored: exit 2, with what comes and what is needed", async () => {
  const machine = await serving();
  machine.world.rps = 0.4;
  const [objects, writes] = [machine.store.objects.size, machine.world.record];
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(2);
  expect(documentOf(ran)).toMatchObject({
    code: "rollout.plan",
    why: expect.stringMatching(/^users send at most [\d.]+ requests in a second now$/) as string,
    problems: [
      { what: expect.stringMatching(/^the step at 5 % needs \d+ canary requests to be judged, and \d+ are/) },
      {},
      {},
    ],
  });
  expect([machine.store.objects.size, machine.world.record]).toEqual([objects, writes]);
  const dry = await machine.run("deploy", "--dry-run");
  expect([dry.exit, dry.stderr]).toEqual([2, expect.stringContaining("use larger steps or more time")]);
});

test("where nobody sends a request now, the plan is not held against it: users may come, or a person promotes", async () => {
  const machine = await serving();
  machine.world.rps = 0;
  const dry = await machine.run("deploy", "--dry-run");
  expect([dry.exit, dry.stderr]).toEqual([0, expect.not.stringContaining("cannot work")]);
});

test("shares that the split cannot give are refused, with those that it can", async () => {
  const machine = await serving();
  machine.world.reachable = [1 / 3, 1 / 2];
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(2);
  const fix = expect.stringContaining("use shares among 33.333 %, 50 %") as string;
  expect(documentOf(ran)).toMatchObject({ code: "rollout.plan", problems: [{ fix }, { fix }] });
});

test("a version that serves already needs no requests", async () => {
  const machine = await serving();
  await machine.run("deploy", "-q");
  machine.world.rps = 0;
  const again = await machine.run("deploy");
  expect([again.exit, again.stdout]).toEqual([0, expect.stringContaining("serves already")]);
});

test("a server that answers otherwise than the model that was validated gets no request", async () => {
  const machine = await serving();
  const revision = await storedRevision(machine);
  machine.onStep = (title) => {
    if (!title.startsWith("replay")) return;
    write(machine.bundles.get(revision.id)!, {
      "model.json": boosterText({ features, weights: boosters.worse }),
    });
  };
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(3);
  expect(documentOf(ran)).toMatchObject({ serving: "1.0.0", rollout: { why: { code: "rollout.golden" } } });
  expect(machine.world.calls).not.toContain("set");
});

test("a person promotes or aborts the rollout that another command drives", async () => {
  const machine = await serving();
  machine.world.quietFrom = "start";
  let steered = Promise.resolve({ exit: -1, stdout: "", stderr: "" });
  const steerAt = (step: string, ...argv: string[]) => {
    machine.onStep = (title) => {
      if (title !== step) return;
      machine.onStep = () => {};
      const goOn = machine.stopTime();
      machine.world.onCall = (name) => {
        if (name === "wish") goOn();
      };
      steered = machine.beside(...argv);
    };
  };
  steerAt("canary 5 %", "abort", "--json");
  const aborted = await machine.run("deploy", "--json");
  expect(documentOf(await steered)).toMatchObject({
    schema: "mlship.steer/v1",
    version: "1.1.0",
    outcome: "rolled-back",
    serving: "1.0.0",
  });
  expect(aborted.exit).toBe(3);
  expect(documentOf(aborted)).toMatchObject({ rollout: { why: { code: "rollout.aborted" } } });

  machine.world.rps = 400;
  steerAt("canary 5 %", "promote", "--json");
  const promoted = await machine.run("deploy", "--set", "deploy.canary.steps=[5]", "--json");
  expect(await steered).toMatchObject({ exit: 0 });
  expect(documentOf(await steered)).toMatchObject({ wish: "promote", version: "1.1.0" });
  expect(documentOf(promoted)).toMatchObject({ serving: "1.1.0", rollout: { outcome: "promoted" } });
  expect(promoted.exit).toBe(0);
});

test("while another command drives, a second deploy is refused: exit 6, and it says who", async () => {
  const machine = await serving();
  let second = Promise.resolve({ exit: -1, stdout: "", stderr: "" });
  machine.onStep = (title) => {
    if (title !== "canary 5 %") return;
    const goOn = machine.stopTime();
    second = machine.beside("rollback", "--to", "1.0.0", "--json").finally(goOn);
  };
  const first = await machine.run("deploy");
  expect(first.exit).toBe(0);
  expect((await second).exit).toBe(6);
  expect(documentOf(await second)).toMatchObject({
    schema: "mlship.error/v1",
    code: "rollout.locked",
    exit: 6,
  });
  expect(machine.world.stable?.version).toBe("1.1.0");
});

test("the gates of the configuration can be overridden, and each environment is a channel of its own", async () => {
  const machine = new Machine(makeProject());
  handOver(
    machine,
    "1.0.0",
    "good",
    "environments:\n  staging: { validate: { gates: { accuracy: { min: 1 } } } }\n",
  );
  expect((await machine.run("deploy", "-e", "staging", "-q")).exit).toBe(3);
  const eased = ["--set", "validate.gates.accuracy.min=0.5"];
  expect((await machine.run("deploy", "-e", "staging", "-q", ...eased)).exit).toBe(0);
  expect(await told(machine)).toEqual([]);
  expect((await machine.run("history", "-e", "staging")).stdout).toMatch(
    /promote\t1\.0\.0[^]*refuse\t1\.0\.0/,
  );
});
