// The deploying process is killed, at many moments: users never notice, and the next command knows what to do.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, openCancer, userRows, type Project, type Record, type Running } from "./project.ts";

/** Phases in which the canary may have a share. */
const shared = ["verify", "observe", "hold"];

/** Kill when: the record says so. In this order a rollout passes them. */
const moments: [name: string, come: (record: Record | null, running: Running) => boolean][] = [
  ["while the model is scored", (_record, running) => running.told().includes("- score")],
  ["while the canary starts", (record) => record?.phase === "canary-up"],
  [
    "while labelled rows are replayed",
    (record) => ["golden", "set", ...shared].includes(record?.phase ?? ""),
  ],
  [
    "at the canary's first share",
    (record) => shared.includes(record?.phase ?? "") && (record?.share ?? 0) >= 0.2,
  ],
  ["at its second share", (record) => shared.includes(record?.phase ?? "") && (record?.share ?? 0) >= 0.5],
  ["at promotion", (record) => ["promote", "drain", "bake"].includes(record?.phase ?? "")],
  ["in the watch after promotion", (record) => record?.phase === "bake"],
  ["when all is done", (record) => ["retire", "close", "done"].includes(record?.phase ?? "")],
];

describe("SIGKILL of the deploying process under load", () => {
  let project: Project;
  let rows: string[];
  let stable = "1.0.0";

  beforeAll(async () => {
    project = await openCancer("1.0.0");
    rows = await userRows();
    await project.mlship(["deploy"]);
  });
  afterAll(() => project.close());

  test.each(moments)("%s", async (_name, come) => {
    const next = stable === "1.0.0" ? "1.1.0" : "1.0.0";
    await project.handOver(next);
    const load = project.load(rows);
    const deploying = project.start(["deploy"]);
    await eventually(
      "the moment to kill",
      async () => {
        const record = await project.record();
        // The record of the rollout before says nothing about this one.
        const own = record?.to.version === next ? record : null;
        if (deploying.process.exitCode !== null) throw new Error(`it ended before: ${deploying.told()}`);
        return come(own, deploying);
      },
      90,
      1,
    );
    deploying.process.kill("SIGKILL");
    expect((await deploying.ended).code).toBe(null);

    const status = await project.status();
    expect([stable, next]).toContain(status.stable?.version);
    expect(status.driver).toBe(null);
    const isLeft = status.rollout !== null;
    const { told } = await project.mlship(["status"]);
    expect(told.includes("driver none: it died")).toBe(isLeft);

    const again = await project.mlship(["deploy"]);
    expect(again.told.includes(`Found the rollout of ${next}`)).toBe(isLeft);
    const { failed, answered } = await load.stop();
    expect(answered).toBeGreaterThan(100);
    expect(failed).toBe(0);
    const after = await project.status();
    expect(after).toMatchObject({
      stable: { version: next },
      canary: null,
      share: 0,
      expected: next,
      rollout: null,
    });
    expect(await project.serving()).toBe(next);
    // Whatever was taken back in between, what is promoted is recorded once.
    const history = await project.history();
    expect(history.at(-1)).toBe(`promote ${next}`);
    expect(history.filter((entry) => entry.startsWith("promote")).slice(-2)).toEqual([
      `promote ${stable}`,
      `promote ${next}`,
    ]);
    stable = next;
  });
});

test("a canary that nobody drives loses its share by itself", async () => {
  const project = await openCancer("1.0.0");
  try {
    await project.mlship(["deploy"]);
    await project.handOver("1.1.0", "1.1.0", { canary: { interval: "60s" } });
    const load = project.load(await userRows(), 100);
    const deploying = project.start(["deploy"]);
    await eventually("the canary has a share", async () => load.tally.versions.has("1.1.0"), 90);
    deploying.process.kill("SIGKILL");
    await deploying.ended;
    // The lease is 30 s.
    await eventually("its share falls to 0", async () => (await project.status()).share === 0, 60, 2_000);
    const before = load.tally.versions.get("1.1.0");
    await eventually("a hundred more answers", () => load.tally.answered > 100 + (before ?? 0));
    const { failed, versions } = await load.stop();
    expect(failed).toBe(0);
    expect(versions.get("1.1.0")).toBe(before);
    expect(await project.status()).toMatchObject({
      stable: { version: "1.0.0" },
      canary: { version: "1.1.0" },
    });
    const aborted = await project.mlship(["abort"]);
    expect(aborted.told).toContain("Found the rollout of 1.1.0");
    expect(await project.status()).toMatchObject({
      stable: { version: "1.0.0" },
      canary: null,
      rollout: null,
    });
    expect(await project.history()).toEqual(["promote 1.0.0", "take-back 1.1.0"]);
  } finally {
    await project.close();
  }
});

test("SIGKILL of the gateway: status says so, deploy and rollback serve again", async () => {
  const project = await openCancer("1.0.0");
  try {
    await project.mlship(["deploy"]);
    await project.handOver("1.1.0", "1.1.0", { canary: { steps: [100], bake: "0s" } });
    await project.mlship(["deploy"]);
    for (const [verb, serving] of [
      ["deploy", "1.1.0"],
      ["rollback", "1.0.0"],
    ] as const) {
      process.kill((await project.gateway()).pid, "SIGKILL");
      await eventually("nobody serves", async () => (await project.serving()) === null);
      const { told } = await project.mlship(["status"]);
      expect(told).toContain("serving nothing");
      expect(told).toContain("1.1.0 should serve, but nothing serves");
      await eventually("its servers have ended", async () => (await project.processes()).length === 0);
      const after = await project.mlship([verb]);
      expect(after.told).toContain("its gateway had been killed");
      expect(after.told).toContain("stable 1.1.0 serves again");
      expect(await project.serving()).toBe(serving);
    }
  } finally {
    await project.close();
  }
});
