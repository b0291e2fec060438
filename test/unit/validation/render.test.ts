// The report for people: on a terminal of 60 columns, and as Markdown that text from data cannot break.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { renderReport } from "../../../src/ui/report.ts";
import { makeStyle } from "../../../src/ui/style.ts";
import { renderMarkdown } from "../../../src/validation/markdown.ts";
import { type Report, sealReport } from "../../../src/validation/report.ts";
import { showApart, showBytes, showNumber } from "../../../src/validation/show.ts";
import { validate } from "../../../src/validation/validate.ts";
import { openRows, productionOf, scorerOf, threshold, validation } from "./world.ts";

const plain = { width: 60, terminal: true, style: makeStyle(false) };

async function failing(): Promise<Report> {
  const scorer = scorerOf(({ x }) => ({ label: Number(x) >= 20 ? 1 : 0 }));
  const gates = {
    accuracy: { min: 0.9, maxDrop: 0.01 },
    rocAuc: { min: 0.9 },
    recall: { min: 0.8 },
    modelSize: { max: 4096 },
  };
  const production = await productionOf(threshold, await openRows());
  return (await validate(await validation({ scorer, gates, production }))).report;
}

test("a failed validation on 60 columns", async () => {
  expect(renderReport(await failing(), plain)).toMatchInlineSnapshot(`
    "The model must not ship: 2 of 5 gates pass

           gate       value   required
    FAIL   accuracy   0.66    ≥ 0.9
    FAIL   accuracy   0.66    at most 0.01 worse than 0.95
    ERROR  rocAuc     none    ≥ 0.9
    pass   recall     0.96    ≥ 0.8
    pass   modelSize  1000 B  ≤ 4 KiB

    - accuracy is 0.66, below 0.9. Improve the model, or change
      validate.gates.accuracy.min if it asks for more than you
      need
    - accuracy is 0.66, in production 0.95: worse by 0.29.
      Improve the model; it may be worse by at most 0.01
    - rocAuc has no value: the model gives no probabilities. Use
      data and a model that give rocAuc a value, or gate another
      metric

    on 200 rows       binary
    accuracy          0.66
    balancedAccuracy  0.66
    precision         0.6
    recall            0.96
    f1                0.7385
    rocAuc            none: the model gives no probabilities
    averagePrecision  none: the model gives no probabilities
    logLoss           none: the model gives no probabilities
    brier             none: the model gives no probabilities
    ece               none: the model gives no probabilities
    mcc               0.4

    next: change the model, then mlship validate
    "
  `);
});

test("a passed validation names the next command", async () => {
  const { report } = await validate(await validation());
  const text = renderReport(report, plain);
  expect(text).toMatch(/^The model may ship: 1 of 1 gates pass\n/);
  expect(text).toMatch(/next: mlship deploy\n$/);
});

test("no line is wider than the terminal", async () => {
  const lines = renderReport(await failing(), plain).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("colour only adds to the words", async () => {
  const report = await failing();
  const coloured = renderReport(report, { ...plain, style: makeStyle(true) });
  expect(coloured).toContain("\u001B[31mFAIL");
  // oxlint-disable-next-line no-control-regex -- colour is made of control characters
  expect(coloured.replaceAll(/\u001B\[\d+m/g, "")).toBe(renderReport(report, plain));
});

test("Markdown puts the verdict first", async () => {
  expect(renderMarkdown(await failing(), "fraud 1.4.0")).toMatchInlineSnapshot(`
    "<!-- mlship:report -->

    ### mlship: fraud 1.4.0 must not ship: 2 of 5 gates pass

    | gate | value | required | result |
    | --- | --- | --- | --- |
    | accuracy | 0.66 | ≥ 0.9 | **FAIL** accuracy is 0.66, below 0.9 |
    | accuracy | 0.66 | at most 0.01 worse than 0.95 | **FAIL** accuracy is 0.66, in production 0.95: worse by 0.29 |
    | rocAuc | none | ≥ 0.9 | **ERROR** rocAuc has no value: the model gives no probabilities |
    | recall | 0.96 | ≥ 0.8 | pass |
    | modelSize | 1000 B | ≤ 4 KiB | pass |

    - accuracy.min: improve the model, or change validate.gates.accuracy.min if it asks for more than you need
    - accuracy.maxDrop: improve the model; it may be worse by at most 0.01
    - rocAuc.min: use data and a model that give rocAuc a value, or gate another metric

    <details><summary>Metrics on 200 rows, binary</summary>

    | metric | value |
    | --- | --- |
    | accuracy | 0.66 |
    | balancedAccuracy | 0.66 |
    | precision | 0.6 |
    | recall | 0.96 |
    | f1 | 0.7385 |
    | rocAuc | none: the model gives no probabilities |
    | averagePrecision | none: the model gives no probabilities |
    | logLoss | none: the model gives no probabilities |
    | brier | none: the model gives no probabilities |
    | ece | none: the model gives no probabilities |
    | mcc | 0.4 |

    </details>

    model \`sha256:70\`<br>data \`sha256:dbd5a6b65bf4e3f269b613b1c3f62e32ee719cae916764924fb61a92bd2873d3\`<br>lock \`sha256:10\`<br>report \`sha256:8f95e5cd3d083a2b4ae4d18eb4f5d498234b4aeac2606c77c742da29d0d7f6fe\`
    "
  `);
});

test("text from data and model cannot break the Markdown, mention anyone or add HTML", async () => {
  const { report } = await validate(await validation());
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("|", "`", "<", "@", "\n", "*", "[", "a", "\\") }),
      (text) => {
        const finding = { code: "x", severity: "warn" as const, what: `${text}<img>@all`, fix: text };
        const markdown = renderMarkdown(sealReport({ ...report, findings: [finding] }), `m ${text}`);
        expect(markdown).not.toContain("@");
        expect(markdown).not.toContain("<img>");
        const before = renderMarkdown(report, "m").split("\n").length;
        expect(markdown.split("\n")).toHaveLength(before + 2);
      },
    ),
  );
});

test("Markdown stays below what GitHub takes, and says that it was cut", async () => {
  const { report } = await validate(await validation());
  const finding = { code: "x", severity: "warn" as const, what: "w".repeat(300), fix: "f" };
  const markdown = renderMarkdown({ ...report, findings: Array.from({ length: 1000 }, () => finding) }, "m");
  expect(markdown.length).toBeLessThan(65_000);
  expect(markdown).toContain("… cut");
});

test.each([
  [0.9, "0.9"],
  [0.123456, "0.1235"],
  [0, "0"],
  [1e-9, "1e-9"],
  [123456789, "123500000"],
  [-2.5, "-2.5"],
])("%d is shown as %s", (value, text) => {
  expect(showNumber(value)).toBe(text);
});

test("bytes are shown in the largest unit, and near values apart", () => {
  expect([0, 1023, 1024, 5 * 1024 ** 3].map(showBytes)).toEqual(["0 B", "1023 B", "1 KiB", "5 GiB"]);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (a, b) => {
        const [shownA, shownB] = showApart("accuracy", a, b);
        expect(shownA === shownB).toBe(a === b || Object.is(a, -b));
      },
    ),
  );
});
