// A person beside a rollout on a cluster: rollback, abort, promote, status, stop, and watching from elsewhere.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { rolloutEventSchema } from "../../src/commands/rollout-events.ts";
import { renderSummary } from "../../src/commands/step-summary.ts";
import { documentOf, type Machine, type Ran } from "./fake-host.ts";
import { clusterMachine, handOver } from "./kubernetes.ts";

/** 1.0.0 serves, 1.1.0 is handed over. */
async function serving(): Promise<Machine> {
  const machine = clusterMachine();
  const ran = await machine.run("deploy", "-q");
  expect(ran.exit, ran.stderr).toBe(0);
  await locked(machine, "1.1.0", "better");
  return machine;
}

/** Hands a model over and locks it, as its owner does. */
async function locked(machine: Machine, version: string, booster: "better" | "other"): Promise<void> {
  handOver(machine, version, booster);
  expect((await machine.run("lock", "-q")).exit).toBe(0);
}

/** Runs a command line beside a deploy when that begins a step; time goes on once the driver was asked. */
async function beside(machine: Machine, step: string, ...argv: string[]): Promise<[deploy: Ran, other: Ran]> {
  let other = Promise.resolve<Ran>({ exit: -1, stdout: "", stderr: "" });
  machine.onStep = (title) => {
    if (!title.startsWith(step)) return;
    machine.onStep = () => {};
    const goOn = machine.stopTime();
    machine.world.onCall = (name) => {
      if (name === "wish") goOn();
    };
    other = machine.beside(...argv);
  };
  const deploy = await machine.run("deploy", "--json");
  return [deploy, await other];
}

test.each(["canary 5 %", "watch 1.1.0"])(
  "rollback during '%s' lets the driver take it back",
  async (step) => {
    const machine = await serving();
    const [first, other] = await beside(machine, step, "rollback", "--json");
    expect(other.exit, other.stderr).toBe(0);
    expect(documentOf(other)).toMatchObject({
      schema: "mlship.rollback/v1",
      from: "1.1.0",
      to: "1.0.0",
      tookBack: { version: "1.1.0", driver: "ada@loom (mlship deploy)" },
      rollout: null,
      serving: "1.0.0",
    });
    expect(first.exit).toBe(3);
    expect(machine.world).toMatchObject({ stable: { version: "1.0.0" }, share: 0, broken: [] });
  },
);

test("rollback after a driver died takes its canary back, and goes no further", async () => {
  const machine = await serving();
  await machine.run("deploy", "-q");
  await locked(machine, "1.2.0", "other");
  machine.onStep = (title) => {
    if (title === "canary 5 %") machine.world.isDead = true;
  };
  expect((await machine.run("deploy", "-q")).exit).not.toBe(0);
  machine.onStep = () => {};
  machine.world.revive();
  const ran = await machine.run("rollback", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(documentOf(ran)).toMatchObject({
    tookBack: { version: "1.2.0", driver: null },
    serving: "1.1.0",
  });
});

test("rollback goes to the version before in one step, with the image that it was served with", async () => {
  const machine = await serving();
  await machine.run("deploy", "-q");
  const builds = machine.docker.builds.length;
  const ran = await machine.run("rollback", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(documentOf(ran)).toMatchObject({ plan: { kind: "direct" }, from: "1.1.0", serving: "1.0.0" });
  expect(machine.docker.builds).toHaveLength(builds);
});

test("rollback --to tries a version out like a new one; --now does not", async () => {
  const machine = await serving();
  await machine.run("deploy", "-q");
  const slowly = await machine.run("rollback", "--to", "1.0.0", "--json");
  expect(documentOf(slowly)).toMatchObject({ plan: { kind: "canary" }, serving: "1.0.0" });
  const atOnce = await machine.run("rollback", "--to", "1.1.0", "--now", "--json");
  expect(documentOf(atOnce)).toMatchObject({ plan: { kind: "direct" }, serving: "1.1.0" });
});

test("a version that no cluster ever served is refused, with the commit that it is of", async () => {
  const machine = await serving();
  expect((await machine.run("upload", "-q")).exit).toBe(0);
  const ran = await machine.run("rollback", "--to", "1.1.0", "--json");
  expect(ran.exit).toBe(2);
  expect(documentOf(ran)).toMatchObject({
    code: "rollback.no-image",
    fix: "deploy it from commit 0123456789abcdef0123456789abcdef01234567: mlship deploy",
  });
});

test("abort and promote reach the driver", async () => {
  const machine = await serving();
  machine.world.quietFrom = "start";
  const [aborted, abort] = await beside(machine, "canary 5 %", "abort", "--json");
  expect([aborted.exit, documentOf(abort)["outcome"]]).toEqual([3, "rolled-back"]);
  machine.world.rps = 400;
  const [, promote] = await beside(machine, "canary 5 %", "promote", "--json");
  expect(documentOf(promote)).toMatchObject({ wish: "promote", version: "1.1.0" });
});

test("status --watch follows the rollout from another machine until it ends", async () => {
  const machine = await serving();
  let watched = Promise.resolve<Ran>({ exit: -1, stdout: "", stderr: "" });
  machine.onStep = (title) => {
    if (title !== "canary 5 %") return;
    machine.onStep = () => {};
    const goOn = machine.stopTime();
    // The driver reads no record while it drives, so it is the watch that does.
    machine.world.onCall = (name) => {
      if (name === "load") goOn();
    };
    watched = machine.beside("status", "--watch");
  };
  expect((await machine.run("deploy", "-q")).exit).toBe(0);
  const { exit, stdout, stderr } = await watched;
  expect(exit, stderr).toBe(0);
  expect(stderr).toMatch(/deploy of 1\.1\.0, begun \S+ by ada@loom/);
  expect(stderr).toMatch(/✔ canary 25 %: \d+ canary requests so far, 0 failed/);
  expect(stderr).toMatch(/✔ watch 1\.1\.0/);
  expect(stdout).toMatch(/^serving\t1\.1\.0 /m);
  const idle = await machine.run("status", "--watch");
  expect([idle.exit, idle.stderr]).toEqual([0, expect.stringContaining("no rollout is under way")]);
});

test("Ctrl-C ends the watch and not the rollout: exit 130, with what was seen last", async () => {
  const machine = await serving();
  machine.onStep = (title) => {
    if (title === "canary 5 %") machine.world.isDead = true;
  };
  await machine.run("deploy", "-q");
  machine.onStep = () => {};
  machine.world.revive();
  const watching = machine.run("status", "--watch");
  setTimeout(() => machine.interrupt(), 200);
  const { exit, stdout } = await watching;
  expect(exit).toBe(130);
  expect(stdout).toMatch(/^driver\tnone/m);
});

test("status shows place, split, and how near the verdict is; 60 columns are enough", async () => {
  const machine = await serving();
  let seen = Promise.resolve<Ran>({ exit: -1, stdout: "", stderr: "" });
  machine.onStep = (title) => {
    if (title !== "canary 25 %") return;
    machine.onStep = () => {};
    const goOn = machine.stopTime();
    machine.world.onCall = (name) => {
      if (name === "holder") goOn();
    };
    [machine.isTerminal, machine.columns, machine.env] = [true, 60, { NO_COLOR: "1" }];
    seen = machine.beside("status");
  };
  await machine.run("deploy", "-q");
  const { stdout } = await seen;
  expect(stdout.replace(/since \S+/, "since then").replace(/\d+ (s|min) ago/, "a while ago"))
    .toMatchInlineSnapshot(`
      "model     fraud, channel production, context lab, namespace
                ml, split by router
      serving   1.0.0 at http://127.0.0.1:1/predict
      canary    1.1.0 with 25 % of requests; so far 80 requests, 0
                failed
      last      promote 1.0.0, a while ago by ada@loom
      why       deploy of 1.0.0
      rollout   of 1.1.0, in verify: deploy of 1.1.0
      share     25 % wanted, no requests yet, step 2 of 3
      stable    1520 requests, 0 failed
      users     no failure seen
      to pass   █████░░░░░  52 %
      to fail   ░░░░░░░░░░   0 %
      ready     1 canary, 1 stable
      driver    mlship deploy by ada@loom, process 4242, since
                2026-01-01T00:00:03.000Z
      "
    `);
});

test("--events writes lines that fit their schema, from the first phase to the end", async () => {
  const machine = await serving();
  await machine.run("deploy", "-q", "--events", "events.jsonl");
  const text = readFileSync(path.join(machine.folder, "events.jsonl"), "utf8");
  const events = text
    .trim()
    .split("\n")
    .map((line) => rolloutEventSchema.parse(JSON.parse(line)));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(new Set(events.map(({ event }) => event))).toEqual(new Set(["moved", "measured", "ended"]));
  expect(events.at(-1)).toMatchObject({ event: "ended", outcome: "promoted", version: "1.1.0" });
  const shares = new Set(events.map(({ view }) => view?.wanted));
  expect([...shares]).toEqual([0, 0.05, 0.25, 0.5]);
  const refused = await machine.run("deploy", "--events", "no/such/folder/events.jsonl", "--json");
  expect(documentOf(refused)).toMatchObject({ code: "events.unwritable", exit: 2 });
});

test("the step's summary says what came of it, and nothing in it can be Markdown", async () => {
  const machine = await serving();
  machine.env = { GITHUB_STEP_SUMMARY: path.join(machine.folder, "summary.md") };
  await machine.run("deploy", "-q");
  const text = readFileSync(path.join(machine.folder, "summary.md"), "utf8");
  expect(text).toContain("### mlship: fraud 1.1.0 was promoted");
  expect(text).toMatch(/\| canary \| \d+ requests, 0 failed \|/);
  expect(text).toContain("context lab, namespace ml, channel production");
  const lastWords = "boom | <img src=x> @everyone **now**";
  const verdict = {
    canaryRequests: 5,
    canaryErrors: 3,
    stableRequests: 9,
    stableErrors: 0,
    rescued: 3,
    failed: 0,
  };
  const rollout = {
    outcome: "rolled-back",
    why: null,
    verdict: { ...verdict, eValue: 1e6, slowEValue: 1, shiftEValue: 1 },
    golden: null,
    interrupted: false,
    lastWords,
  } as const;
  const about = { what: "fraud 1.2.0", place: "context lab", channel: "production", image: null };
  expect(renderSummary({ ...about, rollout, serving: "1.1.0" })).toContain(
    String.raw`| last line of its log | boom \| &lt;img src=x> &#64;everyone \*\*now\*\* |`,
  );
});

test("stop asks, names the place, and leaves history and store", async () => {
  const machine = await serving();
  const refused = await machine.run("stop", "--json");
  expect(documentOf(refused)).toMatchObject({ code: "stop.unconfirmed" });
  const ran = await machine.run("stop", "--yes");
  expect(ran.stdout).toBe("stopped fraud 1.0.0 on context lab, namespace ml\n");
  expect((await machine.run("history")).stdout).toContain("promote");
});
