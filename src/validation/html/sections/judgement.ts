// What the page says first: the verdict, what decided it, and every gate with its interval.
import { gateCells, gateNumbers, levelOf, reasonsOf, toleratedOf } from "../../cells.ts";
import type { Report } from "../../report.ts";
import { showCount, showVerdict } from "../../show.ts";
import { intervalLine } from "../interval.ts";
import { element, type Markup } from "../markup.ts";
import { domainOf } from "../scale.ts";
import { tableOf } from "../table.ts";

/** @param name the model and its version: `fraud 1.4.0` */
export function headOf(report: Report, name: string): Markup {
  const { verdict, dataset, task, model, baseline } = report;
  const [words = "", counts = ""] = showVerdict(report).split(/: (.*)/);
  const facts = [
    counts,
    `${showCount(dataset.rows)} rows`,
    task,
    model.format,
    baseline === null ? "no version in production" : `compared with ${baseline.version}`,
  ];
  return element(
    "header",
    { class: "top" },
    element("h1", {}, name),
    element("p", { class: `verdict ${verdict}` }, words.charAt(0).toUpperCase() + words.slice(1)),
    element("p", { class: "facts" }, facts.filter((fact) => fact !== "").join(" · ")),
  );
}

/** Why the verdict is what it is, and the gates. */
export function judgementOf(report: Report): Markup[] {
  const { gates, findings } = report;
  const reasons = reasonsOf(gates).map(({ of, status, why, hint }) =>
    element(
      "li",
      { class: status },
      element("span", { class: `status ${status}` }, gateWord(status)),
      of === "" ? ` ${why}.` : ` ${of}: ${why}.`,
      hint === null ? null : ` ${sentence(hint)}.`,
    ),
  );
  const signs = findings.map(({ severity, what, fix }) =>
    element(
      "li",
      { class: severity },
      element("span", { class: `status ${severity}` }, severity === "fail" ? "FAIL" : "warning"),
      ` ${what}. ${sentence(fix)}.`,
    ),
  );
  const tolerated = toleratedOf(report).map((why) =>
    element("li", { class: "pass" }, element("span", { class: "status pass" }, "pass"), ` ${why}.`),
  );
  const told = [...reasons, ...signs, ...tolerated];
  const level = levelOf(report);
  const table = tableOf(
    "The gates of mlship.yaml. The shaded side of a line is what a gate lets pass.",
    [
      { heading: "result" },
      { heading: "gate" },
      { heading: "value", kind: "number" },
      { heading: level === null ? "interval" : `${level} interval`, kind: "number" },
      { heading: "required", kind: "number" },
      { heading: "", kind: "picture" },
    ],
    gates.map((gate) => {
      const { name, value, interval, required, status } = gateCells(gate, report);
      const numbers = gateNumbers(gate, report);
      const { ci, bound, side } = numbers;
      const line = intervalLine({
        value: numbers.value,
        ci,
        className: gate.status,
        domain: domainOf([numbers.value, ci?.lo ?? null, ci?.hi ?? null, bound], 0.25),
        mark: bound,
        shaded: side,
        label: `${name}: ${value}, required ${required}`,
      });
      return {
        cells: [
          element("span", { class: `status ${gate.status}` }, status),
          name,
          value,
          interval,
          required,
          numbers.value === null ? null : line,
        ],
      };
    }),
  );
  return [told.length === 0 ? null : element("ul", { class: "reasons" }, told), table].filter(
    (part) => part !== null,
  );
}

const gateWord = (status: string) =>
  status === "fail" || status === "error" ? status.toUpperCase() : status;
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
