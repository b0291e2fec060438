// A person steps in: Ctrl-C in every phase, a second command beside the first, promote and abort from outside.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, openCancer, userRows, type Project, type Record, type Running } from "./project.ts";

const canary = { canary: { steps: [20], interval: "60s", bake: "60s" } };
/** Phases in which the canary has a share. */
const shared = new Set<string | undefined>(["verify", "observe", "hold"]);

/** Serves 1.0.0; every test offers it 1.1.0 and leaves 1.0.0 or says what serves. */
let project: Project;
let rows: string[];

beforeAll(async () => {
  project = await openCancer("1.0.0");
  rows = await userRows();
  await project.mlship(["deploy"]);
  await project.handOver("1.1.0", "1.1.0", canary);
  await project.mlship(["upload"]);
});
afterAll(() => project.close());

/** Waits for the record of a rollout that is not the one before. */
async function moment(
  running: Running,
  what: string,
  come: (record: Record | null) => boolean,
): Promise<void> {
  await eventually(
    what,
    async () => {
      if (running.process.exitCode !== null) throw new Error(`it ended before: ${running.told()}`);
      const record = await project.record();
      return come(record?.outcome === null || record?.phase === "bake" ? record : null);
    },
    90,
    1,
  );
}

describe("Ctrl-C", () => {
  type Moment = [phase: string, come: (record: Record | null, running: Running) => boolean, flags?: string[]];
  // Another gate than before has the model scored again.
  const otherGate = ["--set", "validate.gates.f1.min=0.5"];
  const moments: Moment[] = [
    ["while the data are read", (_record, running) => running.told().includes("- data")],
    ["while the environment is made", (_record, running) => running.told().includes("- environment")],
    ["while the model is scored", (_record, running) => running.told().includes("- score"), otherGate],
    ["while the canary starts", (record) => record?.phase === "canary-up"],
    ["while labelled rows are replayed", (record) => ["golden", "set"].includes(record?.phase ?? "")],
    ["in the canary", (record) => shared.has(record?.phase)],
  ];
  test.each(moments)("%s: exit 130, the canary is gone, stable serves", async (_name, come, flags = []) => {
    const load = project.load(rows, 100);
    const deploying = project.start(["deploy", ...flags]);
    await moment(deploying, "the moment to interrupt", (record) => come(record, deploying));
    deploying.process.kill("SIGINT");
    const { code, told } = await deploying.ended;
    expect({ code, told }).toMatchObject({ code: 130 });
    expect(told).toContain("interrupted");
    const { failed } = await load.stop();
    expect(failed).toBe(0);
    const status = { stable: { version: "1.0.0" }, canary: null, share: 0, rollout: null, driver: null };
    expect(await project.status()).toMatchObject(status);
    expect(await project.serving()).toBe("1.0.0");
  });

  test("after an interrupted canary the outcome says what to do next", async () => {
    const deploying = project.start(["deploy"]);
    await moment(deploying, "the canary has a share", (record) => shared.has(record?.phase));
    deploying.process.kill("SIGINT");
    const { code, told } = await deploying.ended;
    expect(code).toBe(130);
    expect(told).toContain("1.1.0 was taken back");
    expect(told).toContain("run `mlship deploy` again");
    expect(told).toContain("1.0.0 serves everything");
  });
});

describe("a second command", () => {
  test("finds the lock held, and can abort", async () => {
    const deploying = project.start(["deploy"]);
    await moment(deploying, "the canary has a share", (record) => shared.has(record?.phase));
    for (const verb of ["deploy", "rollback"]) {
      const { told } = await project.mlship([verb, ...(verb === "rollback" ? ["--to", "1.1.0"] : [])], 6);
      expect(told).toContain(`process ${deploying.process.pid} on`);
      expect(told).toContain("`mlship deploy` by");
      expect(told).toContain("mlship abort");
    }
    const status = await project.status();
    expect(status).toMatchObject({ canary: { version: "1.1.0" }, driver: { pid: deploying.process.pid } });
    const steered = await project.mlship(["abort"]);
    expect(steered.told).toContain("abort of 1.1.0: rolled-back 1.0.0 serves");
    const { code, told } = await deploying.ended;
    expect(code).toBe(3);
    expect(told).toContain("aborted by a person");
    expect(await project.status()).toMatchObject({
      stable: { version: "1.0.0" },
      canary: null,
      rollout: null,
    });
    expect((await project.history()).at(-1)).toBe("take-back 1.1.0");
    expect((await project.mlship(["abort"], 2)).told).toContain("no rollout of tumour is under way");
    expect((await project.mlship(["promote"], 2)).told).toContain("begin one with mlship deploy");
  });

  test("promotes without more evidence, and ends the watch after promotion", async () => {
    const deploying = project.start(["deploy"]);
    await moment(deploying, "the canary has a share", (record) => shared.has(record?.phase));
    await project.mlship(["promote"]);
    expect(await project.serving()).toBe("1.1.0");
    await moment(deploying, "it is watched", (record) => record?.phase === "bake");
    // The second wish ends the watch.
    expect((await project.mlship(["promote"])).told).toContain("1.1.0 serves");
    const { code, told } = await deploying.ended;
    expect(code).toBe(0);
    expect(told).toContain("1.1.0 was promoted");
    expect((await project.history()).at(-1)).toBe("promote 1.1.0");
  });

  test("Ctrl-C in the watch after promotion: the new version stays, exit 130", async () => {
    await project.handOver("1.0.0", "1.0.0", { canary: { steps: [100], bake: "60s" } });
    const deploying = project.start(["deploy"]);
    await moment(deploying, "it is watched", (record) => record?.phase === "bake");
    deploying.process.kill("SIGINT");
    const { code, told } = await deploying.ended;
    expect(code).toBe(130);
    expect(told).toContain("1.0.0 serves everything");
    expect(await project.status()).toMatchObject({
      stable: { version: "1.0.0" },
      canary: null,
      rollout: null,
    });
    expect((await project.history()).at(-1)).toBe("promote 1.0.0");
  });
});
