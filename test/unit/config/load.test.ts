// Loading mlship.yaml: which of several values counts, and where it came from.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { variableOf } from "../../../src/config/layers.ts";
import { leavesOf } from "../../../src/config/keys.ts";
import { writtenSchema } from "../../../src/config/schema.ts";
import { failure, least, load, makeFolder } from "./project.ts";

describe("defaults", () => {
  it("fills everything but the four required keys", async () => {
    const folder = makeFolder(least);
    const { config, origins, file } = await loadConfig({ cwd: folder, env: {}, set: [] });
    expect(file).toBe(join(folder, "mlship.yaml"));
    expect(config).toEqual({
      folder,
      environment: null,
      name: "fraud",
      version: "1.4.0",
      model: { path: join(folder, "model.joblib"), format: "auto", handler: null, trust: [] },
      python: { version: "auto", requirements: null, allowSource: [] },
      image: {
        repository: null,
        base: null,
        platforms: ["linux/amd64"],
        delivery: "baked",
        template: null,
        maxSize: null,
        parity: { maxDelta: 1e-6, maxFlips: 0 },
        scan: { failOn: "none" },
        signingKey: null,
      },
      validate: {
        data: join(folder, "test_data.csv"),
        train: null,
        target: "target",
        task: "auto",
        gates: {},
        confidence: 0.95,
        judgeBy: "interval",
        robustness: "quick",
        slices: [],
        fairness: [],
        positive: null,
        weight: null,
        threshold: null,
        key: null,
      },
      serve: { port: 8080, timeoutMs: 2000, idempotent: true },
      artifacts: {
        store: join(folder, ".mlship", "store"),
        singleWriter: false,
        encryption: null,
        s3: {
          endpoint: null,
          region: null,
          pathStyle: "auto",
          profile: null,
          encryption: "bucket",
          kmsKey: null,
          customerKeyFile: null,
          lock: null,
        },
      },
      deploy: {
        target: "local",
        strategy: "canary",
        context: null,
        replicas: { min: null, max: 10, cpu: 70, memory: 80 },
        namespace: "default",
        router: { image: "haproxy:3.2-alpine", sticky: "none", header: null },
        resources: { cpu: "500m", memory: "512Mi" },
        monitor: "none",
        route: null,
        patches: [],
        canary: {
          steps: [5, 25, 50],
          split: "router",
          intervalMs: 60_000,
          maxHarm: 0.01,
          maxSlowdown: 2,
          maxShift: 0.3,
          holdMs: 600_000,
          bakeMs: 30_000,
          startTimeoutMs: 60_000,
        },
      },
    });
    expect([...origins].filter(([, { kind }]) => kind !== "default").map(([path]) => path)).toEqual([
      "name",
      "version",
      "model.path",
      "validate.data",
    ]);
    expect(origins.get("serve.port")).toEqual({ kind: "default" });
  });

  it("takes a section without keys as not written", async () => {
    const { config } = await load(`${least}  gates:\nserve:\ndeploy:\n  canary:\n`);
    expect(config.serve.port).toBe(8080);
    expect(config.deploy.canary.steps).toEqual([5, 25, 50]);
  });
});

describe("precedence", () => {
  const sources = ["file", "environment", "variable", "flag"] as const;

  it(
    "is flag, variable, environment, file, default, whichever of them are there",
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.subarray([...sources]), async (chosen) => {
          const has = (source: (typeof sources)[number]) => chosen.includes(source);
          const text = [
            least,
            has("file") ? "serve: { port: 1001 }\n" : "",
            `environments:\n  staging: { serve: { ${has("environment") ? "port: 1002" : ""} } }\n`,
          ].join("");
          const folder = makeFolder(text);
          const loaded = await loadConfig({
            cwd: folder,
            environment: "staging",
            env: has("variable") ? { MLSHIP_SERVE_PORT: "1003" } : {},
            set: has("flag") ? ["serve.port=1004"] : [],
          });
          const winner =
            chosen.length === 0 ? "default" : sources[Math.max(...chosen.map((at) => sources.indexOf(at)))];
          const ports = { default: 8080, file: 1001, environment: 1002, variable: 1003, flag: 1004 };
          expect(loaded.config.serve.port).toBe(ports[winner!]);
          expect(loaded.origins.get("serve.port")?.kind).toBe(winner);
        }),
        { numRuns: 40 },
      );
    },
  );

  it("names the place, variable or flag of each value", async () => {
    const text = `${least}serve:\n  timeout: 1s\nenvironments:\n  staging:\n    serve:\n      timeout: 3s\n`;
    const { origins, config } = await load(text, {
      env: { MLSHIP_ENVIRONMENT: "staging", MLSHIP_DEPLOY_CANARY_MAX_HARM: "0.05", MLSHIP_SERVE_PORT: "" },
      set: [
        "validate.gates={ f1: { min: 0.5 } }",
        "validate.gates.f1.average=macro",
        "deploy.replicas.min=2",
      ],
    });
    expect(config.environment).toBe("staging");
    expect(Object.fromEntries(origins)).toMatchObject({
      name: { kind: "file", at: { file: "mlship.yaml", line: 1, column: 1 } },
      "model.path": { kind: "file", at: { file: "mlship.yaml", line: 3, column: 10 } },
      "serve.timeout": { kind: "environment", environment: "staging", at: { line: 11, column: 7 } },
      "serve.port": { kind: "default" },
      "deploy.canary.maxHarm": { kind: "variable", variable: "MLSHIP_DEPLOY_CANARY_MAX_HARM" },
      "validate.gates.f1.min": { kind: "flag", flag: "--set validate.gates" },
      "validate.gates.f1.average": { kind: "flag", flag: "--set validate.gates.f1.average" },
      "deploy.replicas.min": { kind: "flag", flag: "--set deploy.replicas.min" },
    });
  });

  it("prefers -e to MLSHIP_ENVIRONMENT", async () => {
    const text = `${least}environments:\n  one: { serve: { port: 1 } }\n  two: { serve: { port: 2 } }\n`;
    const { config } = await load(text, { environment: "two", env: { MLSHIP_ENVIRONMENT: "one" } });
    expect(config.serve.port).toBe(2);
  });

  it("lets a variable or a flag give what the file leaves out", async () => {
    const { config } = await load("model: { path: m }\nvalidate: { data: d.csv }\n", {
      env: { MLSHIP_VERSION: "1.10.0" },
      set: ["name=fraud"],
    });
    expect([config.name, config.version]).toEqual(["fraud", "1.10.0"]);
  });

  it("reads lists, numbers, truth values and texts as their key wants them", async () => {
    const { config } = await load(least, {
      env: { MLSHIP_DEPLOY_CANARY_STEPS: "10, 50", MLSHIP_PYTHON_VERSION: "3.10" },
      set: [
        "model.trust=a.B,c.d.E",
        "validate.positive=true",
        "validate.target=1",
        "validate.threshold=0.25",
      ],
    });
    expect(config.deploy.canary.steps).toEqual([10, 50]);
    expect(config.python.version).toBe("3.10");
    expect(config.model.trust).toEqual(["a.B", "c.d.E"]);
    expect(config.validate).toMatchObject({ positive: true, target: "1", threshold: 0.25 });
    expect((await load(least, { set: ["deploy.canary.steps=[1, 2]"] })).config.deploy.canary.steps).toEqual([
      1, 2,
    ]);
    expect((await load(least, { set: ["model.trust=a.b", "model.trust="] })).config.model.trust).toEqual([]);
  });
});

describe("variables", () => {
  it("have one name per key", () => {
    const names = leavesOf(writtenSchema).map(({ path }) => variableOf(path));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("MLSHIP_VALIDATE_GATES_BALANCED_ACCURACY_MAX_DROP");
    expect(names).toContain("MLSHIP_DEPLOY_CANARY_START_TIMEOUT");
  });
});

describe("units", () => {
  it("turns budgets into seconds and bytes", async () => {
    const gates = "gates: { loadTime: { max: 500ms }, rss: { max: 512MiB }, modelSize: { max: 64KiB } }";
    const { config, written } = await load(`${least}  ${gates}\n`);
    expect(config.validate.gates).toEqual({
      loadTime: { max: 0.5 },
      rss: { max: 512 * 1024 * 1024 },
      modelSize: { max: 65_536 },
    });
    expect(written.validate.gates.rss).toEqual({ max: "512MiB" });
  });

  it("starts relative paths from the folder of the file, and leaves URLs and absolute paths alone", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "other.yaml"), `${least}artifacts: { store: "s3://bucket/fraud" }\n`);
    const loaded = await loadConfig({
      cwd: "/",
      file: join(folder, "other.yaml"),
      env: {},
      set: ["model.path=/m/x"],
    });
    expect(loaded.config.validate.data).toBe(join(folder, "test_data.csv"));
    expect(loaded.config.model.path).toBe("/m/x");
    expect(loaded.config.artifacts.store).toBe("s3://bucket/fraud");
  });
});

describe("the file itself", () => {
  it("is missing: says so, and how to get one", async () => {
    const error = await failure(loadConfig({ cwd: makeFolder(), env: {}, set: [] }));
    expect(error).toMatchObject({ code: "config.missing", exit: "usage", what: "there is no mlship.yaml" });
    expect(error.fix).toContain("mlship init");
  });

  it("is a folder", async () => {
    const error = await failure(load(least, { file: "." }));
    expect(error).toMatchObject({ code: "config.unreadable", why: "it is a folder" });
  });

  it("is UTF-16, or not text, or too large", async () => {
    expect((await failure(load(new Uint8Array([0xff, 0xfe, 0x61, 0])))).why).toBe("it is UTF-16 text");
    expect((await failure(load(new Uint8Array([0x61, 0xc3, 0x28])))).why).toBe("it is not UTF-8 text");
    expect((await failure(load("#".repeat(300_000)))).why).toContain("300000 bytes");
  });

  it("may begin with a UTF-8 byte order mark and have Windows line ends", async () => {
    const { config, origins } = await load(`\uFEFF${least.replaceAll("\n", "\r\n")}`);
    expect(config.name).toBe("fraud");
    expect(origins.get("version")).toMatchObject({ at: { line: 2, column: 1 } });
  });
});
