// `config show`: the document, and both ways to read it.
import { expect, it } from "vitest";
import { describeConfig } from "../../../src/commands/config.ts";
import { renderConfig, renderConfigOrigins } from "../../../src/ui/config.ts";
import { makeStyle } from "../../../src/ui/style.ts";
import { least, load } from "../config/project.ts";

const screen = { width: 100, terminal: true, style: makeStyle(false) };
const text = `${least}  target: "y"\nserve: { timeout: 3s }\nenvironments:\n  staging: { serve: { port: 9000 } }\n`;
const options = {
  environment: "staging",
  env: { MLSHIP_DEPLOY_REPLICAS_MIN: "2" },
  set: ["validate.gates.accuracy.min=0.9", "validate.key=a\u001b[31m\u009b1mb\n"],
};

it("gives one document with all values and their origins", async () => {
  const { document, exit } = describeConfig(await load(text, options));
  expect(exit).toBe("done");
  expect(document).toMatchObject({
    schema: "mlship.config/v1",
    environment: "staging",
    values: { name: "fraud", serve: { port: 9000, timeout: "3s" } },
    origins: { "serve.port": { kind: "environment" }, "validate.gates.accuracy.min": { kind: "flag" } },
  });
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});

it("shows values as YAML that loads to the same values", async () => {
  const { document } = describeConfig(await load(text, { ...options, set: options.set.slice(0, 1) }));
  const shown = renderConfig(document, screen);
  expect((await load(shown)).written).toEqual(document.values);
});

it("shows the origin beside each value on a terminal", async () => {
  const shown = renderConfigOrigins(describeConfig(await load(text, options)).document, screen);
  expect(shown).toMatchInlineSnapshot(`
    "name: fraud                    mlship.yaml:1:1
    version: 1.4.0                 mlship.yaml:2:1
    model:
      path: model.joblib           mlship.yaml:3:10
      format: auto                 default
      trust: []                    default
    python:
      version: auto                default
      allowSource: []              default
    image:
      platforms: [ linux/amd64 ]   default
      delivery: baked              default
      parity:
        maxDelta: 0.000001         default
        maxFlips: 0                default
      scan:
        failOn: none               default
    validate:
      data: test_data.csv          mlship.yaml:5:3
      target: "y"                  mlship.yaml:6:3
      task: auto                   default
      gates:
        accuracy:
          min: 0.9                 --set validate.gates.accuracy.min
      confidence: 0.95             default
      judgeBy: interval            default
      slices: []                   default
      fairness: []                 default
      robustness: quick            default
      key: "a\\e[31m\\x9b1mb\\n"      --set validate.key
    serve:
      port: 9000                   mlship.yaml:9:23 (environment staging)
      timeout: 3s                  mlship.yaml:7:10
      idempotent: true             default
    artifacts:
      store: ./.mlship/store       default
      singleWriter: false          default
      s3:
        pathStyle: auto            default
        encryption: bucket         default
    deploy:
      target: local                default
      strategy: canary             default
      replicas:
        min: 2                     MLSHIP_DEPLOY_REPLICAS_MIN
        max: 10                    default
        cpu: 70                    default
        memory: 80                 default
      canary:
        steps: [ 5, 25, 50 ]       default
        split: router              default
        interval: 60s              default
        maxHarm: 0.01              default
        maxSlowdown: 2             default
        maxShift: 0.3              default
        hold: 10m                  default
        bake: 30s                  default
        startTimeout: 60s          default
      namespace: default           default
      router:
        image: haproxy:3.2-alpine  default
        sticky: none               default
      resources:
        cpu: 500m                  default
        memory: 512Mi              default
      monitor: none                default
      patches: []                  default
    "
  `);
});

it("shows path, value and origin with tabs between elsewhere", async () => {
  const shown = renderConfigOrigins(describeConfig(await load(text, options)).document, {
    ...screen,
    terminal: false,
  });
  expect(shown.split("\n")).toContain("serve.port\t9000\tmlship.yaml:9:23 (environment staging)");
  expect(
    shown
      .trimEnd()
      .split("\n")
      .every((line) => line.split("\t").length === 3),
  ).toBe(true);
});

it("sends no control character to the terminal", async () => {
  const { document } = describeConfig(await load(text, options));
  expect(renderConfig(document, screen)).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(renderConfigOrigins(document, screen)).not.toMatch(/(?!\n)\p{Cc}/u);
});
