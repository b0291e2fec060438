// `validate.gates.pinball.alpha`: the quantile that both models' pinball loss is of.
import { expect, test } from "vitest";
import { align, answeredOf } from "../../../src/validation/compare/production.ts";
import { evaluate } from "../../../src/validation/evaluate.ts";
import type { Answers } from "../../../src/validation/metrics/answers.ts";
import { measure } from "../../../src/validation/metrics/measure.ts";
import { openText } from "./files.ts";
import { inputs, model, scorerOf } from "./world.ts";

const released = { ...model, task: "regression" as const, classes: null };
const pinball = (answers: Answers) => measure(answers).find(({ name }) => name === "pinball")?.value;

test("a quantile reaches the pinball loss of the candidate and of the version in production", async () => {
  const lines = Array.from({ length: 20 }, (_none, row) => `${row},${row + 0.5}`);
  const dataset = await openText("test.csv", `x,y\n${lines.join("\n")}\n`);
  try {
    const evaluated = (by: number, quantile?: number) =>
      evaluate({
        model: released,
        inputs,
        dataset,
        // Every true value is 0.5 above x.
        scorer: scorerOf(({ x }) => ({ label: Number(x) + by }), null),
        reading: quantile === undefined ? {} : { quantile },
      });
    const low = await evaluated(0, 0.9);
    // 0.5 too low costs 0.9 of it, 1.5 too high 0.1 of it.
    expect(pinball(low.answers)).toBeCloseTo(0.45, 12);
    const { answers } = align(low, answeredOf(await evaluated(2)));
    expect(answers && pinball(answers)).toBeCloseTo(0.15, 12);
    expect(pinball((await evaluated(0)).answers)).toBeCloseTo(0.25, 12);
  } finally {
    dataset.close();
  }
});
