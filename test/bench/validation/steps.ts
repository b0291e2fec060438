// What each step of a validation costs, in processor time and without Python: node test/bench/validation/steps.ts FILE [rounds]
// FILE has a column `target` of 0 and 1 and a column `f00`, such as rows.csv that make.py writes.
import { inspectClasses } from "../../../src/validation/checks/inspect-model.ts";
import { inspectData } from "../../../src/validation/checks/inspect-data.ts";
import { openDataset } from "../../../src/validation/dataset.ts";
import { evaluate } from "../../../src/validation/evaluate.ts";
import { gatherEvidence, type Rules } from "../../../src/validation/evidence.ts";
import { makeGolden } from "../../../src/validation/golden.ts";
import { discoverSlices, divideRows } from "../../../src/validation/slices/discover.ts";
import { intervalOf } from "../../../src/validation/statistics/interval.ts";
import { picture } from "../../../src/validation/pictures/pictures.ts";
import type { Scorer } from "../../../src/validation/ports.ts";
import { profileAnswers } from "../../../src/validation/profile/profile.ts";
import { Series } from "../../../src/validation/series.ts";

const [file = "", rounds = "5"] = process.argv.slice(2);
const times = new Map<string, number[]>();

/** Processor time of the process, DuckDB's threads included: other jobs on the machine do not add to it. */
async function step<Result>(name: string, work: () => Promise<Result> | Result): Promise<Result> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  times.set(name, [...(times.get(name) ?? []), (user + system) / 1000]);
  return result;
}

/** Answers by the first column alone, in no time worth the name. */
const scorer: Scorer = {
  model: { classes: [0, 1], libraries: {}, loadSeconds: 0, rss: 0 },
  score: () => Promise.reject(new Error("not asked")),
  measure: () => Promise.reject(new Error("not asked")),
  close: () => Promise.resolve(),
  predict: ({ rows, numberBlock }) => {
    const [labels, probabilities] = [new Float64Array(rows), new Float64Array(rows * 2)];
    for (let row = 0; row < rows; row++) {
      const chance = 1 / (1 + Math.exp(-(numberBlock[row] ?? 0) - 0.3));
      labels[row] = chance >= 0.5 ? 1 : 0;
      probabilities[row * 2] = 1 - chance;
      probabilities[row * 2 + 1] = chance;
    }
    return Promise.resolve({ predictions: Series.numbers(labels), outputs: 1, probabilities, width: 2 });
  },
};

const rules: Rules = {
  gates: { accuracy: { min: 0.6 }, rocAuc: { min: 0.6 } },
  confidence: 0.95,
  judgeBy: "interval",
  slices: [],
  fairness: [],
};
const model = { featureNames: null, task: null, classes: null };

async function validateInSteps(): Promise<void> {
  const dataset = await step("data: read the file", () => openDataset(file, { target: "target" }));
  try {
    const inputs = dataset.features.map(({ name, type, nullable }) => ({ name, type, nullable }));
    const rows = await step("checks of the rows, with the profile", () =>
      inspectData({ model, inputs, dataset }),
    );
    const evaluation = await step("hand over rows, gather answers, metrics", () =>
      evaluate({ model, inputs, dataset, scorer, reading: {} }),
    );
    const { answers, answer, classes, positive } = evaluation;
    await step("golden rows", () => makeGolden("sha256:1", dataset, inputs, evaluation));
    await step("class order", () => inspectClasses(evaluation));
    await step("profile of the answers", () =>
      profileAnswers({
        classes,
        positive,
        predictions: answer.predictions,
        probabilities: answer.probabilities,
        outputs: 1,
      }),
    );
    const divided = await step("rows divided", () => divideRows(dataset, rows.profile.features));
    await step("slices searched", () => discoverSlices(dataset, answers, divided, 0.95));
    await step("intervals", () =>
      evaluation.metrics.map(({ name, average }) => intervalOf(answers, { name, average }, 0.95)),
    );
    const costs = { latencyP99: null, loadTime: 0, rss: 0, modelSize: 0 };
    await step("all evidence: the two above, and gates", () =>
      gatherEvidence({
        rules,
        dataset,
        evaluation,
        selections: [],
        production: null,
        divided,
        costs,
        seed: 1,
      }),
    );
    await step("pictures", () => picture({ answers, classes, outputs: ["target"] }));
  } finally {
    dataset.close();
  }
}

for (let round = 0; round < Number(rounds); round++) await validateInSteps();
for (const [name, all] of times) {
  const [first = 0] = all;
  const least = Math.min(...all);
  console.log(
    `${name.padEnd(45)} ${first.toFixed(0).padStart(6)} ms cold ${least.toFixed(0).padStart(6)} ms warm`,
  );
}
