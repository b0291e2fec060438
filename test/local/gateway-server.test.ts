// The gateway in front of the real Python server: a model is promoted under load and asked on all ways.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, serverEnvironment } from "../../scripts/server-environment.ts";
import { digestBytes } from "../../src/digest.ts";
import { LocalTarget } from "../../src/targets/local/local-target.ts";
import { localDaemons } from "../../src/tools/launch.ts";
import {
  ask,
  freePort,
  holder,
  processes,
  serveStable,
  startCanary,
  writePython,
} from "./gateway/harness.ts";

const revision = (format: string, version: string) => ({
  id: `digits-${format}`,
  version,
  release: digestBytes(format),
});
const joblib = revision("sklearn", "1.0.0");
const onnx = revision("onnx", "1.1.0");

let folder: string;
let target: LocalTarget;
let port: number;
let row: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "mlship-gateway-server-"));
  const environment = await serverEnvironment([path.join(root, "templates/server/tests/requirements.txt")]);
  const trained = spawnSync(environment, [path.join(root, "test/bench/server/models.py"), folder], {
    encoding: "utf8",
  });
  if (trained.status !== 0) throw new Error(trained.stderr);
  row = readFileSync(path.join(folder, "columns.json"), "utf8");
  port = await freePort();
  const python = writePython(folder, environment);
  const bundleOf = (release: string) => (release === onnx.release ? "onnx" : "sklearn");
  target = new LocalTarget(
    {
      name: "digits",
      channel: "production",
      stateFolder: folder,
      port,
      replicas: 1,
      timeoutMs: 10_000,
      materials: {
        materialise: async (release) => ({
          bundleFolder: path.join(folder, bundleOf(release)),
          python,
          logLabel: "digits",
        }),
      },
    },
    processes,
    localDaemons(process.execPath, path.join(root, "src/gateway.ts"), process.env),
  );
  await target.lock.acquire(holder());
});
afterAll(async () => {
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a canary of another format is started, asked directly, given a share and promoted under load", async () => {
  await serveStable(target, joblib);
  const over = new AbortController();
  const statuses = new Set<number>();
  const versions = new Set<string>();
  const user = async () => {
    while (!over.signal.aborted) {
      const seen = await ask(port, { body: row });
      statuses.add(seen.status);
      versions.add(seen.version);
    }
  };
  const running = Promise.all([user(), user()]);
  await startCanary(target, onnx);
  const [cells] = (JSON.parse(row) as { rows: Record<string, number>[] }).rows;
  const rows = 450;
  const columns = Object.fromEntries(
    Object.entries(cells!).map(([name, value]) => [name, Array.from({ length: rows }, () => value)]),
  );
  const answers = await target.fleet.predict(onnx, columns);
  expect(new Set(answers.predictions)).toEqual(new Set([0]));
  expect(answers.predictions).toHaveLength(rows);
  expect(answers.probabilities).toHaveLength(rows);
  await target.traffic.set(onnx, 0.5);
  await expect.poll(() => versions.has("1.1.0"), { timeout: 20_000 }).toBe(true);
  await target.fleet.promote(onnx);
  await target.fleet.retire(joblib);
  over.abort();
  await running;
  expect([...statuses]).toEqual([200]);
  expect([...versions].sort()).toEqual(["1.0.0", "1.1.0"]);
});

test("what the server refuses reaches the user as the server says it", async () => {
  for (const body of ["{", '{"rows":[{}]}', '{"rows":[{"pixel_0_0":NaN}]}']) {
    const seen = await ask(port, { body });
    expect(seen.status).toBeGreaterThanOrEqual(400);
    expect(seen.status).toBeLessThan(500);
    expect(JSON.parse(seen.text)).toMatchObject({ error: { code: expect.any(String) as string } });
  }
  expect(await ask(port, { method: "GET", path: "/info" })).toMatchObject({ status: 200, version: "1.1.0" });
  expect((await target.traffic.measured()).stable.errors).toBe(0);
});
