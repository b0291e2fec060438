// The report for people and for CI: on a terminal of 60 columns, as Markdown, JUnit, annotations and SARIF.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Scan } from "../../../src/model/scan.ts";
import { renderReport } from "../../../src/ui/report.ts";
import { makeStyle } from "../../../src/ui/style.ts";
import { renderAnnotations } from "../../../src/validation/annotations.ts";
import { renderJunit } from "../../../src/validation/junit.ts";
import { renderMarkdown } from "../../../src/validation/markdown.ts";
import type { Report } from "../../../src/validation/report.ts";
import { renderSarif } from "../../../src/validation/sarif.ts";
import { showApart, showBytes, showCount, showNumber } from "../../../src/validation/show.ts";
import { classifierReport, regressorReport } from "./reports.ts";

const plain = { width: 60, terminal: true, style: makeStyle(false) };
const wide = { ...plain, width: 100 };
const name = "fraud 1.4.0";
const failing = classifierReport();

test("a failed validation on a terminal", () => {
  expect(renderReport(failing, wide)).toMatchInlineSnapshot(`
    "The model must not ship: 5 of 9 gates pass

                  gate                       value    95 % interval      required
    pass          accuracy                   0.95     0.93 … 0.97        ≥ 0.9
    inconclusive  recall                     0.8812   0.8601 … 0.9004    ≥ 0.9
    FAIL          recall [age >= 60]         0.712    0.6403 … 0.7761    ≥ 0.9
    pass          accuracy [country = 'DE']  0.891    0.862 … 0.915      ≥ 0.9
    inconclusive  f1, change from 1.3.0      -0.0076  -0.0151 … -0.0002  ≥ -0.01
    pass          recall, gap by country     0.064    0.021 … 0.098      ≤ 0.1
    pass          latencyP99                 3.4 ms                      ≤ 50 ms
    pass          modelSize                  1010 B                      ≤ 4 KiB
    ERROR         rocAuc                     none                        ≥ 0.9

    - recall is 0.712 where age >= 60, surely below 0.9. Look at the rows where age >= 60, or train on
      more of them
    - rocAuc has no value: only one class has rows. Use data with rows of both classes
    - recall is 0.8812, and its 95 % interval 0.8601 … 0.9004 holds 0.9. Validate on about 4,200 rows
      like these
    - f1 is worse than 1.3.0 by 0.0076, between 0.0002 and 0.0151. Validate on more rows
    - passes: accuracy in country = 'DE' is 0.891 (0.862–0.915), not shown to be below 0.9

    - warning: 14 of 2000 rows are rows of the training data. Remove them from the test data

    - worst slice: recall 0.712 (0.652 … 0.762) against 0.894 elsewhere, in 340 rows where age >= 60
    - slice tiny was not measured: it has 4 rows, 30 are needed
    - weak spot, as advice: recall 0.634 (0.574 … 0.684) against 0.894 elsewhere, in 121 rows where
      income < 12000 and age >= 50

    against 1.3.0  there   here    change   95 % interval
    accuracy       0.941   0.95    +0.009   0.0021 … 0.0159
    f1             0.901   0.8934  -0.0076  -0.0151 … -0.0002
    logLoss        0.2248  0.2231  -0.0017  -0.0061 … 0.0027

    on 2,000 rows, binary  value   95 % interval
    accuracy               0.95    0.938 … 0.961
    balancedAccuracy       0.9312  0.9192 … 0.9422
    precision              0.9071  0.8951 … 0.9181
    recall                 0.8812  0.8692 … 0.8922
    f1                     0.8934  0.8814 … 0.9044
    rocAuc                 none    only one class has rows
    logLoss                0.2231  0.2111 … 0.2341
    mcc                    0.812   0.8 … 0.823

    next: change the model, then mlship validate
    "
  `);
});

test("on 60 columns the interval stands below its row", () => {
  const lines = renderReport(failing, plain).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  const at = lines.findIndex((line) => line.startsWith("FAIL"));
  expect(lines.slice(at, at + 2)).toEqual([
    "FAIL          recall [age >= 60]         0.712",
    "    ≥ 0.9, 95 % interval 0.6403 … 0.7761",
  ]);
});

test("a slice with a long name does not break the table", () => {
  const gates = failing.gates.map((gate) => ({
    ...gate,
    slice: "income < 12000 and age >= 50 and country = 'DE'",
  }));
  const lines = renderReport({ ...failing, gates }, plain).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("off a terminal a gate is one line of five cells", () => {
  const text = renderReport(failing, { ...plain, terminal: false, width: 80 });
  expect(text).toContain("\nFAIL\trecall [age >= 60]\t0.712\t0.6403 … 0.7761\t≥ 0.9\n");
  expect(text).toContain("\npass\tmodelSize\t1010 B\t\t≤ 4 KiB\n");
});

test("a passed validation names the next command", () => {
  const text = renderReport(regressorReport(), plain);
  expect(text).toMatch(/^The model may ship: 1 of 1 gates pass\n/);
  expect(text).toMatch(/next: mlship deploy\n$/);
});

test("what is not decided says how many rows would decide it", () => {
  const gates = failing.gates.filter(({ status }) => status === "pass" || status === "inconclusive");
  const report: Report = { ...failing, gates, verdict: "inconclusive" };
  expect(renderReport(report, wide)).toMatch(/next: mlship validate on about 9,000 rows like these\n$/);
  const unknown = gates.map((gate) => ({ ...gate, rowsToDecide: null }));
  expect(renderReport({ ...report, gates: unknown }, wide)).toMatch(/next: add rows or move a bound/);
  const skipped = gates.slice(0, 1).map((gate) => ({ ...gate, status: "skipped" as const }));
  expect(renderReport({ ...report, gates: skipped }, wide)).toMatch(/next: add a gate with min or max/);
});

test("colour only adds to the words", () => {
  const coloured = renderReport(failing, { ...plain, style: makeStyle(true) });
  expect(coloured).toContain("\u001B[31mFAIL");
  // oxlint-disable-next-line no-control-regex -- colour is made of control characters
  const bare = coloured.replaceAll(/\u001B\[\d+m/g, "");
  expect(bare.replaceAll(/\s+/g, " ")).toBe(renderReport(failing, plain).replaceAll(/\s+/g, " "));
});

test("Markdown puts the verdict first", () => {
  expect(renderMarkdown(failing, name)).toMatchInlineSnapshot(`
    "<!-- mlship:report -->

    ### mlship: fraud 1.4.0 must not ship: 5 of 9 gates pass

    | result | gate | value | 95 % interval | required |
    | --- | --- | --- | --- | --- |
    | pass | accuracy | 0.95 | 0.93 … 0.97 | ≥ 0.9 |
    | **inconclusive** | recall | 0.8812 | 0.8601 … 0.9004 | ≥ 0.9 |
    | **FAIL** | recall \\[age >= 60\\] | 0.712 | 0.6403 … 0.7761 | ≥ 0.9 |
    | pass | accuracy \\[country = 'DE'\\] | 0.891 | 0.862 … 0.915 | ≥ 0.9 |
    | **inconclusive** | f1, change from 1.3.0 | -0.0076 | -0.0151 … -0.0002 | ≥ -0.01 |
    | pass | recall, gap by country | 0.064 | 0.021 … 0.098 | ≤ 0.1 |
    | pass | latencyP99 | 3.4 ms |  | ≤ 50 ms |
    | pass | modelSize | 1010 B |  | ≤ 4 KiB |
    | **ERROR** | rocAuc | none |  | ≥ 0.9 |

    - **recall.min\\[age >= 60\\]** recall is 0.712 where age >= 60, surely below 0.9. Look at the rows where age >= 60, or train on more of them
    - **rocAuc.min** rocAuc has no value: only one class has rows. Use data with rows of both classes
    - **recall.min** recall is 0.8812, and its 95 % interval 0.8601 … 0.9004 holds 0.9. Validate on about 4,200 rows like these
    - **f1.maxDrop** f1 is worse than 1.3.0 by 0.0076, between 0.0002 and 0.0151. Validate on more rows
    - passes: accuracy in country = 'DE' is 0.891 (0.862–0.915), not shown to be below 0.9

    - **warn** 14 of 2000 rows are rows of the training data. Remove them from the test data

    - worst slice: recall 0.712 (0.652 … 0.762) against 0.894 elsewhere, in 340 rows where age >= 60
    - weak spot, as advice: recall 0.634 (0.574 … 0.684) against 0.894 elsewhere, in 121 rows where income &lt; 12000 and age >= 50

    <details><summary>Compared with 1.3.0, on the same rows</summary>

    | metric | 1.3.0 | this | change | 95 % interval |
    | --- | --- | --- | --- | --- |
    | accuracy | 0.941 | 0.95 | +0.009 | 0.0021 … 0.0159 |
    | f1 | 0.901 | 0.8934 | -0.0076 | -0.0151 … -0.0002 |
    | logLoss | 0.2248 | 0.2231 | -0.0017 | -0.0061 … 0.0027 |

    </details>

    <details><summary>Metrics on 2,000 rows, binary</summary>

    | metric | value | 95 % interval |
    | --- | --- | --- |
    | accuracy | 0.95 | 0.938 … 0.961 |
    | balancedAccuracy | 0.9312 | 0.9192 … 0.9422 |
    | precision | 0.9071 | 0.8951 … 0.9181 |
    | recall | 0.8812 | 0.8692 … 0.8922 |
    | f1 | 0.8934 | 0.8814 … 0.9044 |
    | rocAuc | none: only one class has rows |  |
    | logLoss | 0.2231 | 0.2111 … 0.2341 |
    | mcc | 0.812 | 0.8 … 0.823 |

    </details>

    model \`sha256:9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4\`<br>data \`sha256:bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e\`<br>lock \`sha256:814b14682077f38dbc8ffdd4ecd72792de7b7263405915151851323d5b166e47\`<br>report \`sha256:a59b75adefed3d42fdc5ec8aab54a5848bc28cdf088ee6fd07dfb0ede37f9fb0\`
    "
  `);
});

const hostile = fc.string({
  unit: fc.constantFrom("|", "`", "<", "@", "\n", "*", "[", "a", "\\", '"', "&", "\0"),
});

test("text from data and model cannot break the Markdown, mention anyone or add HTML", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const finding = { code: "x", severity: "warn" as const, what: `${text}<img>@all`, fix: text };
      const slices = failing.slices.map((slice) => ({ ...slice, name: `${text}|@x<b>`, where: text }));
      const gates = failing.gates.map((gate) => ({
        ...gate,
        id: `g${text}`,
        slice: text,
        why: text,
        hint: text,
      }));
      const baseline = { ...failing.baseline!, version: `${text}@` };
      const report = { ...failing, findings: [finding], slices, gates, baseline };
      const markdown = renderMarkdown(report, `m ${text}`);
      expect(markdown).not.toContain("@");
      expect(markdown).not.toMatch(/<(?!!-- mlship|details>|summary>|\/details>|\/summary>|br>)/);
      const before = renderMarkdown({ ...report, gates: failing.gates }, "m").split("\n");
      // Reasons that are alike are told once.
      expect(markdown.split("\n").length).toBeLessThanOrEqual(before.length);
      expect(markdown.match(/^\| /gm)).toHaveLength(before.filter((line) => line.startsWith("| ")).length);
    }),
  );
});

test("Markdown stays below what GitHub takes, closes what it opens, and names what was cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 400 }), (count, length) => {
      const finding = { code: "x", severity: "warn" as const, what: "w".repeat(length), fix: "f" };
      const findings = Array.from({ length: count }, () => finding);
      const markdown = renderMarkdown({ ...failing, findings }, name);
      expect(markdown.length).toBeLessThan(60_001);
      expect(markdown.split("<details>")).toHaveLength(markdown.split("</details>").length);
      expect(markdown.includes("… cut:")).toBe(!markdown.includes("Metrics on"));
      expect(markdown).toContain(`report \`${failing.digest}\``);
    }),
    { numRuns: 40 },
  );
  const many = Array.from({ length: 900 }, () => ({
    code: "x",
    severity: "warn" as const,
    what: "w".repeat(200),
    fix: "f",
  }));
  expect(renderMarkdown({ ...failing, findings: many }, name)).toContain(
    "… cut: findings, slices, comparison, metrics. The whole report is in its JSON.",
  );
});

test("JUnit has a case per gate and per finding, and what is not proved is a failure", () => {
  const xml = renderJunit(failing, name);
  expect(xml).toContain('<testsuites name="mlship validate" tests="10" failures="3" errors="1" skipped="0">');
  expect(xml).toContain('<testcase classname="mlship.gates" name="recall.min[age &gt;= 60]">');
  expect(xml).toContain(
    'type="inconclusive">value 0.8812, interval 0.8601 … 0.9004, required ≥ 0.9&#10;validate on',
  );
  expect(xml).toContain(`<property name="report" value="${failing.digest}"/>`);
});

test("JUnit is well-formed whatever is in a reason", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        fc.string({ unit: "binary-ascii" }),
        fc.constantFrom("\ud800", "\ufffe", "\uffff", "]]>"),
      ),
      (text) => {
        const gates = failing.gates.map((gate) => ({
          ...gate,
          id: text,
          slice: text,
          why: text,
          hint: text,
        }));
        const xml = renderJunit({ ...failing, gates }, text);
        const tags = [...xml.matchAll(/<([^>]*)>/g)].map(([, tag = ""]) => tag.split(" ")[0]);
        const expected = [...renderJunit(failing, name).matchAll(/<([^>]*)>/g)].map(
          ([, tag = ""]) => tag.split(" ")[0],
        );
        expect(tags).toEqual(expected);
        expect(xml).not.toMatch(/&(?!amp;|lt;|gt;|quot;|apos;|#9;|#10;|#13;)/);
        // oxlint-disable-next-line no-control-regex -- XML has none of them
        expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        expect(xml.isWellFormed()).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test("annotations: the worst first, on their line, at most ten", () => {
  const lines = renderAnnotations(failing, ({ metric }) =>
    metric === "recall" ? { file: "a,b/mlship.yaml", line: 7, column: 5 } : null,
  );
  expect(lines).toEqual([
    "::error file=a%2Cb/mlship.yaml,line=7,col=5,title=mlship%3A recall.min[age >= 60]::recall is 0.712 where age >= 60, surely below 0.9. look at the rows where age >= 60, or train on more of them",
    "::error title=mlship%3A rocAuc.min::rocAuc has no value: only one class has rows. use data with rows of both classes",
    expect.stringMatching(/^::warning file=a%2Cb\/mlship.yaml,line=7,col=5,title=mlship%3A recall.min::/),
    expect.stringMatching(/^::warning title=mlship%3A f1.maxDrop::/),
    expect.stringMatching(/^::warning title=mlship%3A data.leak::14 of 2000/),
  ]);
  const gates = [...failing.gates, ...failing.gates, ...failing.gates, ...failing.gates];
  const many = renderAnnotations({ ...failing, gates }, () => null);
  expect(many).toHaveLength(10);
  expect(many.slice(0, 8).every((line) => line.startsWith("::error"))).toBe(true);
});

test("an annotation is one line that no text ends early", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\n", "\r", ":", "%", ",", "a", "0", "A") }), (text) => {
      const gates = failing.gates.slice(1, 2).map((gate) => ({ ...gate, id: text, why: text, hint: null }));
      const [line = ""] = renderAnnotations({ ...failing, gates, findings: [] }, () => ({ file: text }));
      expect(line).not.toMatch(/[\r\n]/);
      const [, properties = "", ...rest] = line.split("::");
      const back = (escaped: string) =>
        ["%3A", "%2C", "%0D", "%0A", "%25"].reduce(
          (read, code) => read.replaceAll(code, decodeURIComponent(code)),
          escaped,
        );
      expect(back(rest.join("::"))).toBe(text);
      expect(properties.split(",").map((pair) => back(pair.slice(pair.indexOf("=") + 1)))).toEqual([
        text,
        `mlship: ${text}`,
      ]);
    }),
  );
});

const scan: Scan = {
  schema: "mlship.scan/v1",
  model: "sha256:70",
  format: "sklearn",
  verdict: "refused",
  findings: [
    {
      file: "model.joblib",
      offset: 28,
      global: "posix.system",
      rule: "unknown-global",
      message: "it is not allowed",
    },
    { file: "inner.npy", offset: null, global: null, rule: "damaged", message: "it ends early" },
  ],
  globals: [],
  members: [],
  trust: [],
  digest: "sha256:d1",
};

test("SARIF has a result per finding, at the model's place in the repository", () => {
  const { runs } = JSON.parse(
    renderSarif(scan, { model: "models/my model.joblib", isFolder: false, version: "0.1.0" }),
  ) as { runs: { tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }[] };
  expect(runs[0]!.tool.driver.rules.map(({ id }) => id)).toEqual(["damaged", "unknown-global"]);
  expect(runs[0]!.results).toMatchObject([
    {
      ruleId: "unknown-global",
      ruleIndex: 1,
      level: "error",
      message: { text: "posix.system: it is not allowed in model.joblib" },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "models/my%20model.joblib" },
            region: { startLine: 1, byteOffset: 28, byteLength: 0 },
          },
        },
      ],
    },
    { ruleId: "damaged", message: { text: "it ends early in inner.npy" } },
  ]);
});

test("SARIF names the file that lies in the repository, for every member that is refused", () => {
  const member = (path: string) => ({ path, kind: "a zip archive", verdict: "refused" as const, why: "it" });
  const found = ["model.keras!config.json", "a.npz!x.npy!bytes@8", "odd!name.zip!b", "steal.py"];
  const folder: Scan = {
    ...scan,
    members: ["a.npz", "odd!name.zip", "steal.py"].map(member),
    findings: found.map((file) => ({ file, offset: null, global: null, rule: "damaged", message: "it" })),
  };
  const { runs } = JSON.parse(renderSarif(folder, { model: "model", isFolder: true, version: "0.1.0" })) as {
    runs: {
      results: {
        message: { text: string };
        locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
      }[];
    }[];
  };
  const shown = runs[0]?.results.map(({ message, locations }) => [
    locations[0]?.physicalLocation.artifactLocation.uri,
    message.text,
  ]);
  expect(shown).toEqual([
    ["model/model.keras", "it in model.keras!config.json"],
    ["model/a.npz", "it in a.npz!x.npy!bytes@8"],
    ["model/odd!name.zip", "it in odd!name.zip!b"],
    ["model/steal.py", "it"],
  ]);
});

test("SARIF names the files of a folder, and is empty for a model that is safe", () => {
  const inFolder = renderSarif(scan, { model: "model", isFolder: true, version: "0.1.0" });
  expect(inFolder).toContain('"uri": "model/model.joblib"');
  const safe = renderSarif({ ...scan, findings: [] }, { model: "model", isFolder: true, version: "0.1.0" });
  expect(JSON.parse(safe)).toMatchObject({ version: "2.1.0", runs: [{ results: [] }] });
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

test("counts have commas as a person writes them", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e15 }), (count) => {
      expect(showCount(count)).toBe(count.toLocaleString("en-US"));
    }),
  );
  expect([showCount(0.5), showCount(1234.567)]).toEqual(["0.5", "1234.57"]);
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
