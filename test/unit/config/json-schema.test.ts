// The published JSON Schema is the loader's own, and describes every key.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { budgets, qualityMetrics } from "../../../src/config/gates.ts";
import { mlshipJsonSchema } from "../../../src/config/json-schema.ts";
import { keysAt } from "../../../src/config/keys.ts";
import { fileSchema, formats, writtenSchema } from "../../../src/config/schema.ts";
import { modelFormats } from "../../../src/model/model.ts";
import { classMetrics, numberMetrics } from "../../../src/validation/metrics/measure.ts";

interface Schema {
  properties?: Record<string, Schema>;
  description?: string;
  default?: unknown;
  pattern?: string;
  required?: string[];
}

/** All keys below a schema, as `serve.port`. */
function keysOf(schema: Schema, above = ""): [string, Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]): [string, Schema][] => [
    [above + key, inner],
    ...keysOf(inner, `${above}${key}.`),
  ]);
}

describe("JSON Schema", () => {
  it("on disk is the one that the schema gives (else run `node scripts/write-schema.ts`)", () => {
    const file = new URL("../../../schema/mlship.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(mlshipJsonSchema())));
  });

  it("describes every key", () => {
    const keys = keysOf(mlshipJsonSchema());
    expect(keys.length).toBeGreaterThan(60);
    expect(keys.filter(([, { description }]) => !description).map(([key]) => key)).toEqual([]);
  });

  it("shows defaults, forms and what is required", () => {
    const schema: Schema = mlshipJsonSchema();
    const keys = Object.fromEntries(keysOf(schema));
    expect(schema.required).toEqual(["name", "version", "model", "validate"]);
    expect(keys["model"]?.required).toEqual(["path"]);
    expect(keys["validate"]?.required).toEqual(["data"]);
    expect(keys["serve.port"]?.default).toBe(8080);
    expect(keys["deploy.canary.steps"]?.default).toEqual([5, 25, 50]);
    expect("2s").toMatch(new RegExp(keys["serve.timeout"]?.pattern ?? "never"));
    expect("2 s").not.toMatch(new RegExp(keys["serve.timeout"]?.pattern ?? "never"));
  });

  it("gives environments no defaults, which would hide what the file says", () => {
    const { properties } = mlshipJsonSchema() as { properties: Record<string, unknown> };
    expect(JSON.stringify(properties["environments"])).not.toContain('"default"');
    // A list is replaced as a whole, so what its items need they need here too.
    const sections = JSON.stringify(properties["environments"], (key, value: unknown) =>
      key === "items" ? undefined : value,
    );
    expect(sections).not.toContain('"required"');
  });
});

describe("names", () => {
  it("of gates, formats and metrics are those of the rooms that read them", () => {
    // A folder of MLflow holds a model of another format.
    expect(formats.toSorted()).toEqual(["auto", "mlflow", ...modelFormats].toSorted());
    expect(qualityMetrics).toEqual([...classMetrics, ...numberMetrics]);
    expect(keysAt(writtenSchema, ["validate", "gates"])).toEqual([...qualityMetrics, ...budgets]);
    expect(keysAt(fileSchema, ["environments", "any"])).toEqual(["validate", "serve", "artifacts", "deploy"]);
  });
});
