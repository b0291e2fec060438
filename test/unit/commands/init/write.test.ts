// The mlship.yaml that `init` writes: what it says, and that it loads to what was found.
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { proposeGates } from "../../../../src/commands/init/gates.ts";
import { writeConfig, type Findings } from "../../../../src/commands/init/write.ts";
import { load } from "../../config/project.ts";

const measured = {
  accuracy: { value: 0.973684, ci: { lo: 0.9601, hi: 0.98123 } },
  f1: { value: 0.97, ci: { lo: 0.955, hi: 0.98 } },
  rocAuc: { value: 0.99812, ci: { lo: 0.98, hi: 0.9999 } },
};
const iris: Findings = {
  schema: "node_modules/mlship/schema/mlship.schema.json",
  name: "iris",
  version: "1.0.0",
  model: { path: "model.joblib", format: "sklearn", handler: "handler.py" },
  requirements: "requirements.txt",
  data: "test_data.csv",
  target: "y",
  task: "binary",
  gates: proposeGates(measured, "binary"),
  measured,
};

it("says what each line means and where it came from", () => {
  expect(writeConfig(iris)).toMatchInlineSnapshot(`
    "# yaml-language-server: $schema=node_modules/mlship/schema/mlship.schema.json
    # What ships, how it is judged, and how it goes live. All keys: the schema above.

    name: iris # lower-case letters, digits and hyphens
    version: 1.0.0 # raise it with every model; a released version never changes
    model:
      path: model.joblib # recognised as sklearn by its content
      handler: handler.py # your code around the model: load, preprocess, predict, postprocess
    python:
      requirements: requirements.txt # added to what the model itself needs; all of it is locked by hash
    validate:
      data: test_data.csv # labelled rows that the model was not trained on
      target: "y" # the column that holds the true value
      task: binary # binary, multiclass or regression
      gates:
        accuracy: { min: 0.95 } # measured 0.9737 (0.9601 to 0.9812) on test_data.csv; the bound is below that interval
        f1: { min: 0.94 } # measured 0.97 (0.955 to 0.98) on test_data.csv; the bound is below that interval
        rocAuc: { min: 0.97 } # measured 0.9981 (0.98 to 0.9999) on test_data.csv; the bound is below that interval
    "
  `);
});

it("leaves out what was not found", () => {
  const text = writeConfig({
    ...iris,
    model: { ...iris.model, handler: null },
    requirements: null,
    gates: {},
  });
  expect(text).not.toMatch(/handler|requirements|gates/);
});

it("loads to what was found, whatever the names hold", { timeout: 60_000 }, async () => {
  const odd = fc.constantFrom(
    "y",
    "on",
    "1:30",
    "0x1f",
    "1_000",
    "null",
    "~",
    "__proto__",
    "# no",
    "- a",
    "a: b",
    "'",
    '"',
    "\n",
    "\r",
    "\t",
    "*a",
    "&a",
    "!!x",
    "@",
    "%",
    "\u0085",
    "\u2028",
    "\uFEFF",
    "\u001b[31m",
    "---\na",
    "\n# x: 1\nname: other",
  );
  const column = fc.oneof(
    odd,
    fc.string({ unit: "binary", minLength: 1 }),
    fc.array(odd, { minLength: 1 }).map((all) => all.join("")),
  );
  const path = column
    .map((text) => text.replaceAll(/\p{Cc}/gu, "").replaceAll("://", ""))
    .filter((text) => text !== "");
  const score = fc
    .double({ min: 0.1, max: 1, noNaN: true })
    .map((value) => ({ value, ci: { lo: value - 0.05, hi: value + 0.05 } }));
  const findings = fc.record({
    schema: fc.string({ unit: "binary" }),
    name: fc.constantFrom("on", "null", "a-b", "1e3", "0"),
    version: fc.constantFrom("1.0.0", "0.1.0-rc.1", "1.10.0"),
    model: fc.record({ path, format: fc.constant("onnx"), handler: fc.option(path) }),
    requirements: fc.option(path),
    data: path,
    target: column,
    task: fc.constantFrom("auto", "binary", "multiclass", "regression"),
    measured: fc.record({ accuracy: score, f1: score, rocAuc: score }),
  });
  await fc.assert(
    fc.asyncProperty(findings, async (found) => {
      const gates = proposeGates(found.measured, "binary");
      const { config } = await load(writeConfig({ ...found, gates }));
      const { folder, validate } = config;
      expect(config).toMatchObject({ name: found.name, version: found.version });
      expect(config.model.path).toBe(join(folder, found.model.path));
      expect(validate).toMatchObject({ target: found.target, task: found.task, gates });
    }),
    { numRuns: 60 },
  );
});
