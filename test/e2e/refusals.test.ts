// What cannot be shipped ends with its exit code and a reason, and leaves everything as it was.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openCancer, userRows, type Project } from "./project.ts";

/** A handler that behaves like this in serving, and not at all in scoring. */
const inServing = (code: string) => `
import os, sys, time
SERVING = len(sys.argv) > 1 and sys.argv[1] == "serve"
def preprocess(columns):
    import numpy as np
    return np.column_stack(list(columns.values()))
def postprocess(outputs, columns):
    return outputs
if SERVING:
${code.replaceAll(/^/gm, "    ")}
`;

const handled = (canary: object = {}) => ({
  model: { handler: "handler.py" },
  canary: { steps: [100], bake: "0s", ...canary },
});

describe("beside a version that serves", () => {
  let project: Project;
  let rows: string[];
  beforeAll(async () => {
    project = await openCancer("1.0.0");
    rows = await userRows();
    await project.mlship(["deploy"]);
  });
  afterAll(() => project.close());

  /** Deploys under load and expects that users only ever saw 1.0.0. */
  async function refused(exit: number): Promise<string> {
    const load = project.load(rows, 100);
    const { told } = await project.mlship(["deploy"], exit);
    const { failed, versions } = await load.stop();
    expect(failed).toBe(0);
    expect([...versions.keys()]).toEqual(["1.0.0"]);
    const status = { stable: { version: "1.0.0" }, canary: null, share: 0, rollout: null, driver: null };
    expect(await project.status()).toMatchObject(status);
    return told;
  }

  test("a server that crashes at its start: exit 3 with its log", async () => {
    await project.handle(
      inServing(`print("no licence for this machine", file=sys.stderr, flush=True)\nos._exit(7)`),
    );
    await project.handOver("1.1.0", "2.0.0", handled());
    const told = await refused(3);
    expect(told).toContain("version 2.0.0 did not become ready");
    expect(told).toContain("ended by themselves 3 times");
    expect(told).toContain("no licence for this machine");
  });

  test("a server that never becomes ready: exit 3 after deploy.canary.startTimeout", async () => {
    await project.handle(inServing("time.sleep(600)"));
    await project.handOver("1.1.0", "2.0.1", handled({ startTimeout: "3s" }));
    const told = await refused(3);
    expect(told).toContain("not all of its servers were ready after 3 s");
  });

  test("a server that answers otherwise than in validation: taken back before any request", async () => {
    await project.handle(
      inServing(
        `def postprocess(outputs, columns):\n    return {"probabilities": outputs["probabilities"][:, ::-1]}`,
      ),
    );
    await project.handOver("1.1.0", "2.0.2", handled({ steps: [20, 50] }));
    const told = await refused(3);
    expect(told).toContain("answers differently from the model that was validated");
    expect(told).toMatch(/(\d+) of \1 golden rows were answered with another label/);
  });

  test("a released version with other bytes: exit 2", async () => {
    await project.handOver("1.1.0", "1.0.0");
    expect(await refused(2)).toMatch(/1\.0\.0.*(exists|released)/);
  });

  test("a model that a gate refuses: exit 3, and nothing was started", async () => {
    await project.handOver("1.2.0", "1.2.0", {
      validate: { data: "test_data.csv", gates: { accuracy: { min: 0.92 } } },
    });
    expect(await refused(3)).toContain("nothing was started, 1.0.0 serves as before");
  });

  test("no traffic: exit 4 when the hold is over, and a rollback needs none", async () => {
    await project.handOver("1.1.0", "1.1.0", { canary: { hold: "2s" } });
    const { told } = await project.mlship(["deploy"], 4);
    expect(told).toContain("1.1.0 was not promoted");
    expect(told).toContain("mlship promote");
    expect(await project.serving()).toBe("1.0.0");
    await project.handOver("1.1.0", "1.1.0", { canary: { steps: [100], bake: "0s" } });
    await project.mlship(["deploy"]);
    expect(await project.serving()).toBe("1.1.0");
    await project.mlship(["rollback"]);
    expect(await project.serving()).toBe("1.0.0");
  });

  test("the story is in the ledger", async () => {
    expect(await project.history()).toEqual([
      "promote 1.0.0",
      "take-back 2.0.0",
      "take-back 2.0.1",
      "take-back 2.0.2",
      "refuse 1.2.0",
      "take-back 1.1.0",
      "promote 1.1.0",
      "rollback 1.0.0",
    ]);
  });
});

describe("on a machine that is not ready for it", () => {
  test("another program has the port: exit 5 names it, and nothing stays", async () => {
    const project = await openCancer();
    onTestFinished(() => project.close());
    const other = createServer((_request, response) => response.end("hello")).listen(
      project.port,
      "127.0.0.1",
    );
    await new Promise((resolve) => other.once("listening", resolve));
    const { told } = await project.mlship(["deploy"], 5);
    expect(told).toContain(`port ${project.port} on 127.0.0.1 is in use`);
    expect(told).toContain(`pid ${process.pid}`);
    expect(told).toContain("serve.port");
    expect(await project.processes()).toEqual([]);
    await new Promise((resolve) => other.close(resolve));
    await project.mlship(["deploy"]);
    expect(await project.serving()).toBe("1.0.0");
  });

  test("no Python: exit 5 says what to install", async () => {
    const project = await openCancer();
    onTestFinished(() => project.close());
    const env = {
      PATH: await project.mkdir("empty"),
      MLSHIP_CACHE: project.file("cache"),
      UV_PYTHON_INSTALL_DIR: project.file("none"),
    };
    const { told } = await project.mlship(["deploy"], 5, env);
    expect(told).toMatch(/Python/);
    expect(told).toMatch(/fix:.*(install|PATH)/);
    expect(await project.history()).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)(
    "a full disk in the store: exit 5, and the same command works after",
    async () => {
      const project = await openCancer();
      const store = await mkdtemp(path.join(tmpdir(), "mlship-e2e-store-"));
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", store]);
      try {
        expect(mounted).toMatchObject({ status: 0 });
        await project.write("1.0.0", { artifacts: { store } });
        const { told } = await project.mlship(["deploy"], 5);
        expect(told).toMatch(/space|full/i);
        expect(await project.processes()).toEqual([]);
        expect(await project.status()).toMatchObject({ stable: null, expected: null });
        expect(await project.history()).toEqual([]);
        expect(spawnSync("mount", ["-o", "remount,size=8m", store]).status).toBe(0);
        await project.mlship(["deploy"]);
        expect(await project.serving()).toBe("1.0.0");
        expect(await project.history()).toEqual(["promote 1.0.0"]);
        expect((await readdir(store, { recursive: true })).filter((name) => /tmp|part/.test(name))).toEqual(
          [],
        );
      } finally {
        await project.close();
        spawnSync("umount", [store]);
        await rmdir(store);
      }
    },
  );
});
