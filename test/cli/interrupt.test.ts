// Ctrl-C in every phase of a deploy: what serves goes on serving, nothing is half done, and the same command finishes.
import { expect, test } from "vitest";
import { documentOf, Machine, type Ran } from "./fake-host.ts";
import { serving } from "./serving.ts";

/** Interrupts the machine when a step with this title begins. */
const atStep = (wanted: string) => (machine: Machine) => {
  machine.onStep = (title) => {
    if (title.startsWith(wanted)) machine.interrupt();
  };
};

/** Interrupts the machine when Python is asked to do this. */
const atPython = (wanted: string) => (machine: Machine) => {
  machine.faults.onAct = (act) => {
    if (act === wanted) machine.interrupt();
  };
};

/** Interrupts the machine when the target is called so. */
const atCall = (wanted: string) => (machine: Machine) => {
  machine.world.onCall = (name) => {
    if (name === wanted) machine.interrupt();
  };
};

/** Interrupts the machine when the canary is measured: requests are counted before a rollout too. */
const atMeasuring = (machine: Machine) => {
  machine.world.onCall = (name) => {
    if (name === "measured" && machine.world.share > 0) machine.interrupt();
  };
};

/** Interrupts the machine at the nth write to the store of this deploy. */
const atWrite = (nth: number) => (machine: Machine) => {
  let writes = 0;
  machine.store.pause = () => {
    writes += 1;
    if (writes === nth) machine.interrupt();
    return Promise.resolve();
  };
};

function letGo(machine: Machine): void {
  machine.onStep = () => {};
  machine.faults.onAct = () => {};
  machine.world.onCall = () => {};
  machine.store.pause = () => Promise.resolve();
}

function expectQuiet(machine: Machine, version: string): void {
  const { world } = machine;
  expect(world).toMatchObject({ stable: { version }, canary: null, previous: null, share: 0 });
  expect(world.isHolderAlive).toBe(false);
  expect(world.broken).toEqual([]);
  expect(Object.keys(machine.snapshot().files).filter((file) => file.startsWith(".mlship/staging/"))).toEqual(
    [],
  );
}

async function expectFinished(machine: Machine): Promise<Ran> {
  letGo(machine);
  const again = await machine.run("deploy", "--json");
  expect(again.exit).toBe(0);
  expect(documentOf(again)).toMatchObject({ serving: "1.1.0", rollout: { outcome: "promoted" } });
  expectQuiet(machine, "1.1.0");
  return again;
}

const before: [string, (machine: Machine) => void][] = [
  ["model", atStep("model")],
  ["data", atStep("data")],
  ["environment", atStep("environment")],
  ["lock", atPython("lock")],
  ["prepare", atPython("prepare")],
  ["load", atPython("load")],
  ["score", atPython("score")],
];

test.each(before)("before anything is decided: %s", async (_phase, arrange) => {
  const machine = await serving();
  const untouched = machine.snapshot();
  arrange(machine);
  const ran = await machine.run("deploy");
  expect(ran).toMatchObject({ exit: 130, stdout: "" });
  expect(ran.stderr).toContain("error: interrupted by SIGINT");
  expect(machine.snapshot()).toEqual(untouched);
  expectQuiet(machine, "1.0.0");
  await expectFinished(machine);
});

test.each([1, 3, 5, 8, 12])("while the store is written, at its operation %d", async (nth) => {
  const machine = await serving();
  const { target } = machine.snapshot();
  await machine.run("validate");
  atWrite(nth)(machine);
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(130);
  expect(machine.snapshot().target).toEqual(target);
  expectQuiet(machine, "1.0.0");
  await expectFinished(machine);
});

const during: [string, (machine: Machine) => void][] = [
  ["preflight", atStep("preflight")],
  ["start", atCall("start")],
  ["ready", atCall("ready")],
  ["golden", atCall("predict")],
  ["the share is set", atCall("set")],
  ["canary 5 %", atStep("canary 5 %")],
  ["canary 25 %", atStep("canary 25 %")],
  ["canary 50 %", atStep("canary 50 %")],
  ["the counters are read", atMeasuring],
];

test.each(during)("while the canary is tried: %s", async (_phase, arrange) => {
  const machine = await serving();
  arrange(machine);
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(130);
  const document = documentOf(ran);
  expect(document).toMatchObject({
    schema: "mlship.deploy/v1",
    serving: "1.0.0",
    rollout: { outcome: "interrupted", interrupted: true, why: { code: "rollout.interrupted" } },
  });
  expectQuiet(machine, "1.0.0");
  expect(documentOf(await machine.run("status", "--json"))).toMatchObject({
    expected: "1.0.0",
    rollout: null,
    driver: null,
    last: { action: "take-back", version: "1.1.0" },
  });
  await expectFinished(machine);
});

test("during the promotion: it is in force or it is not, never half", async () => {
  const machine = await serving();
  atCall("promote")(machine);
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(130);
  letGo(machine);
  const { serving: now } = documentOf(ran) as { serving: string };
  expectQuiet(machine, now);
  const status = documentOf(await machine.run("status", "--json"));
  expect(status).toMatchObject({ expected: now, rollout: null });
});

test("during the watch after the promotion: it stays promoted, exit 130 says the watch was cut short", async () => {
  const machine = await serving();
  atStep("watch")(machine);
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(130);
  expect(ran.stdout).toContain("1.1.0 serves everything");
  expectQuiet(machine, "1.1.0");
});

test("a person who was killed in the middle leaves stable serving; the next command says what it found", async () => {
  const machine = await serving();
  machine.onStep = (title) => {
    if (title === "canary 25 %") machine.world.isDead = true;
  };
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(1);
  letGo(machine);
  machine.world.revive();
  const status = await machine.run("status");
  expect(status.stdout.replace(/\d+ (s|min|h|d) ago/, "a while ago")).toMatchInlineSnapshot(`
    "model	fraud, channel production, this machine, port 8080
    serving	1.0.0 at http://127.0.0.1:1/predict
    canary	1.1.0 with 0 % of requests; so far 80 requests, 0 failed
    last	promote 1.0.0, a while ago by ada@loom
    why	deploy of 1.0.0
    rollout	of 1.1.0, in set: deploy of 1.1.0
    share	25 % wanted, no requests yet, step 2 of 3
    stable	1520 requests, 0 failed
    users	no failure seen
    to pass	█████░░░░░  52 %
    to fail	░░░░░░░░░░   0 %
    ready	1 canary, 1 stable
    driver	none: it died. The next command finishes or takes the rollout back
    "
  `);
  const abort = await machine.run("abort");
  expect(abort.exit).toBe(0);
  expect(abort.stdout.replaceAll(/\s+/g, " ")).toBe(
    "Found the rollout of 1.1.0 by ada@loom (mlship deploy) left in phase set; 1.0.0 serves, 1.1.0 runs as a canary with 0 % of requests. Took it back: 1.0.0 serves everything; recorded as interrupted. 1.0.0 serves ",
  );
  expectQuiet(machine, "1.0.0");
  const again = await expectFinished(machine);
  expect(documentOf(again)).toMatchObject({ found: [] });
});
