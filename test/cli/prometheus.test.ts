// `mlship deploy` with `deploy.canary.prometheus`: values beyond a bound, no values, good values.
import { expect, test } from "vitest";
import { documentOf } from "./fake-host.ts";
import { handOver, serving } from "./serving.ts";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Machine } from "./fake-host.ts";
import { write } from "./project.ts";

const queries = `prometheus:
      url: http://prometheus:9090
      queries: [{ name: error-rate, query: 'x{pod=~"{{canary}}-.*",ns="{{namespace}}"}', max: 0.1 }]
`;

/** 1.1.0 is to be deployed, and its canary's queries to be watched. */
async function watching(): Promise<{ machine: Machine; asked: string[] }> {
  const machine = await serving();
  handOver(machine, "1.1.0", "better");
  const text = readFileSync(path.join(machine.folder, "mlship.yaml"), "utf8");
  const canary = "  canary: { interval: 3s, hold: 20s, bake: 3s }\n";
  expect(text).toContain(canary);
  const changed = `  canary:\n    interval: 3s\n    hold: 20s\n    bake: 3s\n    ${queries}`;
  write(machine.folder, { "mlship.yaml": text.replace(canary, changed) });
  return { machine, asked: [] };
}

test("values beyond a bound take the canary back: exit 3, with query, value and bound", async () => {
  const { machine, asked } = await watching();
  machine.ask = (query) => {
    asked.push(query);
    return Promise.resolve({ value: 0.5 });
  };
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(3);
  expect(documentOf(ran)).toMatchObject({
    serving: "1.0.0",
    rollout: {
      outcome: "rolled-back",
      why: { code: "rollout.metric", why: "error-rate is 0.5, above 0.1, in 2 readings in a row" },
    },
  });
  expect(asked).toHaveLength(2);
  expect(asked[0]).toMatch(/^x\{pod=~"fraud-1-1-0-[0-9a-f]{8}-\.\*",ns="default"\}$/);
  expect(machine.world.broken).toEqual([]);
});

test("a Prometheus that gives nothing: inconclusive, exit 4", async () => {
  const { machine } = await watching();
  machine.ask = () => Promise.resolve({ problem: "the query gives nothing" });
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(4);
  expect(ran.stdout).toContain("error-rate: the query gives nothing");
  expect(machine.world.stable?.version).toBe("1.0.0");
});

test("good values let it pass", async () => {
  const { machine } = await watching();
  machine.ask = () => Promise.resolve({ value: 0 });
  expect((await machine.run("deploy")).exit).toBe(0);
  expect(machine.world.stable?.version).toBe("1.1.0");
});
