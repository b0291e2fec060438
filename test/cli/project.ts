// A small project that really can be judged: a linear booster in XGBoost's JSON, and rows with labels.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

/** One number per feature, and the intercept behind them. */
export interface Booster {
  features: string[];
  weights: number[];
}

/** Four boosters on the same features: right, a little better, wrong, and as good as the first. */
export const boosters = {
  good: [1, 0.6, -0.1],
  better: [1, 1, 0],
  worse: [-1, -1, 0],
  other: [1.1, 0.66, -0.11],
} satisfies Record<string, number[]>;

export const features = ["height", "mass"];

/** The model's file as XGBoost writes it, as far as mlship and the fake scorer read it. */
export function boosterText({ features: names, weights }: Booster): string {
  return JSON.stringify({
    version: [3, 0, 0],
    learner: {
      feature_names: names,
      gradient_booster: { name: "gblinear", model: { weights } },
      learner_model_param: { num_feature: String(names.length), num_class: "0" },
      objective: { name: "binary:logistic" },
    },
  });
}

/** A number in −1 … 1 that looks random and is always the same. */
function spread(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453;
  return Number((2 * (x - Math.floor(x)) - 1).toFixed(6));
}

/** Rows whose label is 1 where the features' sum is positive. Row 17 always holds 0.424242. */
export function rows(count: number, width = 2): { values: number[]; label: number }[] {
  return Array.from({ length: count }, (_, row) => {
    const values = Array.from({ length: width }, (__, column) => spread(row * width + column + 1));
    if (row === 17) values[0] = 0.424242;
    return { values, label: values.reduce((sum, value) => sum + value, 0) > 0 ? 1 : 0 };
  });
}

/** A value that no message may repeat. */
export const secretValue = "0.424242";

/** A name or text as a cell of a CSV file. */
export const cell = (text: string): string =>
  /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

export function csv(names: string[], table: { values: number[]; label: number }[]): string {
  const lines = table.map(({ values, label }) => [...values, label].join(","));
  return `${[...names.map(cell), "target"].join(",")}\n${lines.join("\n")}\n`;
}

/** mlship.yaml of the project. */
export function configText(version: string, more = ""): string {
  return `name: fraud
version: ${version}
model:
  path: model.json
validate:
  data: test_data.csv
  gates:
    accuracy: { min: 0.8 }
deploy:
  canary: { interval: 3s, hold: 20s, bake: 3s }
${more}`;
}

const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, removed when the tests of the file are over. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "mlship-cli-")));
  made.push(folder);
  return folder;
}

export function write(folder: string, files: Record<string, string | Uint8Array>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
}

/** A folder that holds the whole project. */
export function makeProject(): string {
  const folder = emptyFolder();
  write(folder, {
    "model.json": boosterText({ features, weights: boosters.good }),
    "test_data.csv": csv(features, rows(200)),
    "mlship.yaml": configText("1.0.0"),
  });
  return folder;
}
