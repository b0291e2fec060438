// Everything wrong in mlship.yaml is said at once, each with its place and a way out.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { failure, least, load, problems } from "./project.ts";

function loadedOrExplained(outcome: unknown): boolean {
  if (!(outcome instanceof Error)) return true;
  if (!(outcome instanceof MlshipError)) throw outcome;
  return outcome.code === "config.invalid" && (outcome.problems.length > 0 || outcome.why !== undefined);
}

describe("problems", () => {
  it("come all at once, in the order of the file, then of variables and flags", async () => {
    const text = `nmae: fraud
version: 1.10
model: { path: 3, fromat: onnx, format: onx }
serve: { port: "80", timeout: 2 }
port: 3
validate:
  target:
  gates: { accuracy: {}, f1: { min: 2, max: 1 }, acuracy: { min: 1 } }
python: { version: 3.10 }
deploy: { target: moon, canary: { steps: [5, 5], hold: 3x, bake: 100h, maxHarm: 2, interval: 0s } }
`;
    const found = await problems(text, {
      env: { MLSHIP_SERVE_PROT: "1", MLSHIP_SERVE_TIMEOUT: "x", MLSHIP_LOG: "debug" },
      set: ["a", "serve.prot=1", "environments.a.serve.port=1", "deploy.replicas.min=0"],
    });
    expect(found).toMatchInlineSnapshot(`
      [
        "1:1 nmae is not a key of mlship.yaml → did you mean name?",
        "2:10 version must be a semantic version such as 1.4.0 or 1.5.0-rc.1, not the number 1.1",
        "3:16 model.path must be a text, not the number 3 → write path: "3"",
        "3:19 model.fromat is not a key of mlship.yaml → did you mean model.format?",
        "3:41 model.format must be auto, onnx, sklearn, skops, xgboost, lightgbm, catboost, pytorch, keras, savedmodel, mlflow or python, not the text "onx" → did you mean onnx?",
        "4:16 serve.port must be a number, not the text "80"",
        "4:31 serve.timeout must be a duration such as 500ms, 2s or 10m, not the number 2",
        "5:1 port is not a key of mlship.yaml → did you mean serve.port?",
        "6:1 validate.data is missing → add validate.data",
        "7:10 validate.target has no value → write a value, or remove the key",
        "8:22 validate.gates.accuracy needs a bound: min, max or maxDrop",
        "8:30 validate.gates.f1 can never pass: its min is above its max",
        "8:50 validate.gates.acuracy is not a key of mlship.yaml → did you mean validate.gates.accuracy?",
        "9:20 python.version must be auto or a version from "3.10" on, such as "3.12", not the number 3.1",
        "10:19 deploy.target must be local or kubernetes, not the text "moon"",
        "10:42 deploy.canary.steps must rise from step to step",
        "10:56 deploy.canary.hold must be a duration such as 500ms, 2s or 10m, not the text "3x"",
        "10:66 deploy.canary.bake must be at most 24h",
        "10:81 deploy.canary.maxHarm must be at most 1, not the number 2",
        "10:94 deploy.canary.interval must be longer than 0",
        "the variable MLSHIP_SERVE_PROT names no key of mlship.yaml → did you mean MLSHIP_SERVE_PORT?",
        "serve.timeout (set by MLSHIP_SERVE_TIMEOUT) must be a duration such as 500ms, 2s or 10m, not the text "x"",
        "--set "a" names no key and value → write it as --set serve.port=9000",
        "serve.prot is not a key of mlship.yaml (set by --set serve.prot) → did you mean serve.port?",
        "--set cannot change an environment → set the key itself, as in --set serve.port=9000: a flag counts in every environment",
        "deploy.replicas.min (set by --set deploy.replicas.min) must be at least 1, not 0",
      ]
    `);
  });

  it.each([
    ["a tab", "model:\n\tpath: x\n"],
    ["a key twice", "name: a\nname: b\n"],
    ["a key twice, deep", `${least}serve: { port: 1, port: 2 }\n`],
    ["two documents", `${least}---\nname: b\n`],
    ["a tag", `${least}serve: !!set { a }\n`],
    ["an unknown tag", `${least}serve: !js/function x\n`],
    ["an open bracket", "model: { path: x\n"],
    ["an alias without anchor", "name: *a\n"],
    ["an alias to itself", "name: &a [*a]\n"],
    ["a key that is a list", `${least}? [a]\n: b\n`],
    ["nothing", ""],
    ["only comments", "# nothing\n"],
    ["a list", "- name\n"],
    ["a text", "name\n"],
    ["deep nesting", "[".repeat(5000)],
    ["deep nesting that closes", `name: ${"[".repeat(60)}${"]".repeat(60)}\n`],
  ])("has %s", async (_what, text) => {
    expect(await problems(text)).toMatchSnapshot();
  });

  it("refuses an anchor bomb without expanding it", async () => {
    const levels = Array.from({ length: 30 }, (_, level) => {
      const below = level === 0 ? "x" : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(9).fill(below).join(", ")}]\n`;
    });
    expect(await problems(levels.join(""))).toEqual([
      expect.stringContaining("holds more than 10000 values") as string,
    ]);
  });

  it("lets an anchor stand for a value", async () => {
    const { config, origins } = await load(`${least}  target: &t label\n  key: *t\n`);
    expect(config.validate).toMatchObject({ target: "label", key: "label" });
    expect(origins.get("validate.key")).toMatchObject({ at: { line: 7, column: 3 } });
  });

  it("says where a required key belongs when it is missing", async () => {
    expect(await problems("serve: { port: 1 }\n")).toEqual([
      ": name is missing → add name",
      ": version is missing → add version",
      ": model.path is missing → add model.path",
      ": validate.data is missing → add validate.data",
    ]);
    expect(await problems(least.replace("path: model.joblib", ""))).toEqual([
      "3:1 model.path is missing → add model.path",
    ]);
  });

  it("finds what is wrong in an environment that is not chosen, and one that does not exist", async () => {
    const text = `${least}environments:\n  staging: { serve: { prot: 1 }, name: x }\n  Prod: {}\n`;
    expect(await problems(text, { environment: "stagin" })).toEqual([
      '6:1 there is no environment "stagin" → did you mean staging?',
      "7:23 environments.staging.serve.prot is not a key of mlship.yaml → did you mean environments.staging.serve.port?",
      "7:34 environments.staging.name is not a key of mlship.yaml → known here: validate, serve, artifacts, deploy",
      "8:3 environments.Prod must be named like a DNS label",
    ]);
  });

  it("checks a gate as a whole only when all layers lie on each other", async () => {
    const text = `${least}  gates: { f1: { min: 0.5 } }\nenvironments:\n  staging: { validate: { gates: { f1: { max: 0.4 }, mcc: { } } } }\n`;
    expect((await load(text)).config.validate.gates).toEqual({ f1: { min: 0.5 } });
    expect(await problems(text, { environment: "staging" })).toEqual([
      "8:39 validate.gates.f1 can never pass: its min is above its max",
      "8:58 validate.gates.mcc needs a bound: min, max or maxDrop",
    ]);
  });

  it("never takes __proto__ for a key", async () => {
    const text = `${least}__proto__: { polluted: 1 }\nserve: { __proto__: { port: 1 } }\nenvironments: { __proto__: { serve: { port: 1 } } }\n`;
    expect(
      await problems(text, { set: ["__proto__.polluted=1", "serve.__proto__.port=1", "constructor.a=1"] }),
    ).toEqual([
      "6:1 __proto__ is not a key of mlship.yaml → remove it",
      "7:10 serve.__proto__ is not a key of mlship.yaml → remove it",
      "8:17 environments.__proto__ is not a key of mlship.yaml → remove it",
      expect.stringContaining("__proto__ is not a key") as string,
      expect.stringContaining("serve.__proto__ is not a key") as string,
      expect.stringContaining("constructor is not a key") as string,
    ]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("cuts a long list, and says how many are left", async () => {
    const error = await failure(
      load(`${least}${Array.from({ length: 80 }, (_, index) => `k${index}: 1\n`).join("")}`),
    );
    expect(error.problems).toHaveLength(50);
    expect(error.what).toContain("80 problems");
    expect(error.fix).toContain("30 more");
  });

  it("ends any text in a configuration or in one clear error", { timeout: 60_000 }, async () => {
    const line = fc.oneof(
      fc.constantFrom(
        ...least.split("\n"),
        "serve:",
        "  port: 1",
        "a: &a [*a, *b]",
        "\t",
        "? x",
        "<<: *a",
        "!!binary x",
      ),
      fc.string({ unit: "grapheme", maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.array(fc.string()), async (lines, set) => {
        const outcome: unknown = await load(lines.join("\n"), { set }).catch((error: unknown) => error);
        expect(outcome).toSatisfy(loadedOrExplained);
      }),
      { numRuns: 100 },
    );
  });
});
