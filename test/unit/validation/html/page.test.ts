// The HTML report: one file without script or link, whose text nothing from outside can break out of.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { documentText, element, styleElement } from "../../../../src/validation/html/markup.ts";
import { renderHtml } from "../../../../src/validation/html/page.ts";
import { domainOf, scaleOf, ticksOf } from "../../../../src/validation/html/scale.ts";
import type { Report } from "../../../../src/validation/report.ts";
import { classifierReport, manyClassesReport, numberProfile, regressorReport } from "../reports.ts";

const name = "fraud 1.4.0";

/** Start tags with their attributes, as a parser of HTML reads them. */
function tagsOf(html: string): string[] {
  return [...html.replace(/<style>.*<\/style>/s, "").matchAll(/<([a-z!][^>]*)>/gi)].map(
    ([, tag = ""]) => tag,
  );
}

test("a report with something in every part has every section", () => {
  const html = renderHtml(classifierReport(), name);
  const headings = [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
  expect(headings).toEqual([
    "Gates",
    "Metrics",
    "Comparison with production",
    "Slices",
    "Groups",
    "Pictures",
    "Distributions",
    "Data",
    "Provenance",
    "How to do it again",
  ]);
  for (const figure of ["ROC curve", "Precision and recall", "Calibration", "Confusion"])
    expect(html).toContain(`<strong>${figure}</strong>`);
  expect(html).toContain("recall, gap by country");
  expect(html).toContain("f1, change from 1.3.0");
});

test("a regressor has residuals, many classes a map with the pairs that are mistaken most", () => {
  const regressor = renderHtml(regressorReport(), name);
  expect(regressor).toContain("<strong>Residuals</strong>");
  expect(regressor).toContain("<strong>Predicted and true</strong>");
  expect(regressor).not.toContain("ROC");
  const many = renderHtml(manyClassesReport(24), name);
  expect(many).toContain("taken for");
  expect(many.match(/<li><svg/g)).toHaveLength(40);
});

test.each([classifierReport, regressorReport, () => manyClassesReport(24)])(
  "nothing is run and nothing is loaded",
  (make) => {
    const html = renderHtml(make(), name);
    expect(html).not.toMatch(/<script|javascript:|@import|url\(|\bsrc=|\son\w+=/i);
    for (const [, target] of html.matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^(#[\w-]+|data:,)$/);
    expect(html).toContain("default-src &#39;none&#39;");
  },
);

const nasty = fc.oneof(
  fc.string({
    unit: fc.constantFrom("<", ">", '"', "'", "&", "/", "=", "`", "-", "!", "a", " ", "\n", "\0", "\u202e"),
  }),
  fc.constantFrom(
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!--",
    "]]>",
    "\ud800",
  ),
);

/** Everything that data, model and configuration may name. */
function poison(report: Report, text: string): Report {
  const { data, profile, pictures } = report;
  return {
    ...report,
    classes: [text, "b"],
    dataset: { ...report.dataset, target: text, weight: text },
    model: {
      ...report.model,
      files: [{ path: text, size: 1, sha256: "sha256:1" }],
      libraries: { [text]: text },
    },
    baseline: report.baseline && { ...report.baseline, version: text },
    gates: report.gates.map((gate) => ({ ...gate, slice: text, why: text, hint: text })),
    findings: [{ code: "x", severity: "warn", what: text, fix: text }],
    slices: report.slices.map((slice) => ({ ...slice, name: text, where: text, reason: text })),
    fairness: report.fairness.map((fairness) => ({
      ...fairness,
      column: text,
      groups: fairness.groups.map((group) => ({ ...group, group: text })),
    })),
    data: {
      ...data,
      nulls: [{ column: text, rows: 1 }],
      unseenCategories: [{ column: text, rows: 1, values: [text] }],
    },
    profile: {
      ...profile,
      features: [
        numberProfile(text, 4),
        {
          kind: "categories",
          name: text,
          type: "string",
          rows: 1,
          missing: 0,
          top: [{ value: text, count: 1 }],
          other: 0,
          distinct: 1,
        },
      ],
    },
    pictures: {
      ...pictures,
      curves: pictures.curves.map((curve) => ({ ...curve, class: text })),
      confusion: pictures.confusion && { ...pictures.confusion, classes: [text, "b"] },
    },
  };
}

test("no name of a column, class, slice or file changes the page's elements", () => {
  const report = classifierReport();
  const plain = tagsOf(renderHtml(poison(report, "x"), "x")).map((tag) => tag.split(" ")[0]);
  fc.assert(
    fc.property(nasty, (text) => {
      const html = renderHtml(poison(report, text), text);
      // An empty name of a category is shown as such, and an empty heading leaves its class without words.
      expect(tagsOf(html).map((tag) => tag.split(" ")[0])).toEqual(plain);
      expect(html.isWellFormed()).toBe(true);
      // oxlint-disable-next-line no-control-regex -- none may be there
      expect(html).not.toMatch(/[\u0000-\u0008\u202e]/);
    }),
    { numRuns: 60 },
  );
});

test("two hundred features and twenty classes stay below a megabyte", () => {
  const many = manyClassesReport(20);
  const features = Array.from({ length: 400 }, (_none, at) => numberProfile(`feature_${at}`));
  const html = renderHtml({ ...many, profile: { from: "train", features, predictions: [] } }, name);
  expect(Buffer.byteLength(html)).toBeLessThan(1_000_000);
  expect(html).toContain("100 more features are in the JSON report");
});

test("a link leaves no page, and a style holds no markup", () => {
  expect(() => element("a", { href: "https://example.org" }, "x")).toThrow("a link to");
  expect(() => element("a", { href: "#a b" }, "x")).toThrow("a link to");
  expect(() => styleElement("</style>")).toThrow("a style sheet");
  const html = documentText(element("p", { class: '"><b' }, "a<b>", ["&", 1, null]));
  expect(html).toBe('<!doctype html>\n<p class="&quot;&gt;&lt;b">a&lt;b&gt;&amp;1</p>\n');
});

test("scales keep within their drawing, and their ticks within their domain", () => {
  const number = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(number, number, number, (a, b, value) => {
      const domain = domainOf([a, b]);
      const scale = scaleOf(domain, [10, 110]);
      expect(scale(value)).toBeGreaterThanOrEqual(10);
      expect(scale(value)).toBeLessThanOrEqual(110);
      const ticks = ticksOf(scale);
      expect(ticks.length).toBeLessThanOrEqual(12);
      const room = (scale.to - scale.from) * 1e-6;
      for (const tick of ticks) {
        expect(tick).toBeGreaterThanOrEqual(scale.from - room);
        expect(tick).toBeLessThanOrEqual(scale.to + room);
      }
    }),
  );
});
