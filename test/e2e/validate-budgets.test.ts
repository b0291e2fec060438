// Budgets through the built binary: each one kept and each one broken, by bounds that no machine comes near.
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Report } from "../../src/validation/report.ts";
import { openProject, type Project } from "./project.ts";

/** Loads in no less than a tenth of a second, and takes 20 ms for every request. */
const slow = `
import time
import numpy as np

def load(folder):
    time.sleep(0.1)
    return np.ones(1_000_000)

def predict(model, columns):
    time.sleep(0.02)
    x = np.asarray(columns["sepal_length"])
    return {"predictions": np.digitize(x, [5.5, 6.3])}
`;

const kept = {
  latencyP99: { max: "1m" },
  loadTime: { max: "5m" },
  rss: { max: "8GiB" },
  modelSize: { max: "1GiB" },
};
const broken = {
  latencyP99: { max: "5ms" },
  loadTime: { max: "50ms" },
  rss: { max: "4MiB" },
  modelSize: { max: "1KiB" },
};

let project: Project;

beforeEach(async () => {
  project = await openProject();
  await project.take("python-handler-multiclass");
  await project.handle(slow);
  // More than a kilobyte of model.
  await writeFile(project.file("model.txt"), "1,2,3,4\n".repeat(200));
});

afterEach(() => project.close());

async function judge(budgets: object, exit: number): Promise<Report> {
  await project.write("1.0.0", {
    name: "budget",
    model: { path: "model.txt", handler: "handler.py", format: "python" },
    validate: { data: "data.csv", target: "target", task: "multiclass", gates: budgets },
  });
  return await project.json<Report>(["validate"], exit);
}

const statuses = ({ gates }: Report) => Object.fromEntries(gates.map(({ id, status }) => [id, status]));

test("a model within its budgets may ship, one beyond them must not", async () => {
  const good = await judge(kept, 0);
  expect(statuses(good)).toEqual({
    "latencyP99.max": "pass",
    "loadTime.max": "pass",
    "rss.max": "pass",
    "modelSize.max": "pass",
  });
  const { latency, loadSeconds, rss } = good.volatile.performance;
  expect(latency?.p50).toBeGreaterThanOrEqual(0.02);
  expect(latency?.p99).toBeGreaterThanOrEqual(latency?.p50 ?? 0);
  expect(loadSeconds).toBeGreaterThanOrEqual(0.1);
  // An array of eight megabytes beside Python itself.
  expect(rss).toBeGreaterThan(16e6);

  const bad = await judge(broken, 3);
  expect(statuses(bad)).toEqual({
    "latencyP99.max": "fail",
    "loadTime.max": "fail",
    "rss.max": "fail",
    "modelSize.max": "fail",
  });
});
