// A report as JUnit XML: a case per gate and per finding, which every CI system shows.
import { gateCells } from "./cells.ts";
import type { Report } from "./report.ts";

/**
 * The report as one test suite. What is not proved is a failure: a gate that is inconclusive, too.
 * @param name the model and its version: `fraud 1.4.0`
 */
export function renderJunit(report: Report, name: string): string {
  const cases = [...report.gates.map((gate) => gateCase(gate, report)), ...report.findings.map(findingCase)];
  const count = (tag: string) => cases.filter((text) => text.includes(`<${tag} `)).length;
  const totals = `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}" skipped="${count("skipped")}"`;
  const properties = Object.entries({
    verdict: report.verdict,
    report: report.digest,
    model: report.model.digest,
    data: report.dataset.digest,
  }).map(([key, value]) => `      <property name="${key}" value="${escape(value)}"/>\n`);
  return [
    `<?xml version="1.0" encoding="UTF-8"?>\n`,
    `<testsuites name="mlship validate" ${totals}>\n`,
    `  <testsuite name="${escape(name)}" ${totals}>\n`,
    `    <properties>\n${properties.join("")}    </properties>\n`,
    ...cases,
    `  </testsuite>\n</testsuites>\n`,
  ].join("");
}

function gateCase(gate: Report["gates"][number], report: Report): string {
  const { value, interval, required } = gateCells(gate, report);
  const seen = `value ${value}${interval === "" ? "" : `, interval ${interval}`}, required ${required}`;
  const more = [seen, ...(gate.hint === null ? [] : [gate.hint])].join("\n");
  return testCase("mlship.gates", gate.id, tags[gate.status], gate.status, gate.why, more);
}

const tags = {
  pass: null,
  skipped: "skipped",
  error: "error",
  fail: "failure",
  inconclusive: "failure",
} as const;

function findingCase({ code, severity, what, fix }: Report["findings"][number]): string {
  return testCase("mlship.findings", code, severity === "fail" ? "failure" : null, severity, what, fix);
}

function testCase(
  group: string,
  name: string,
  tag: (typeof tags)[keyof typeof tags],
  type: string,
  message: string,
  more: string,
): string {
  const open = `    <testcase classname="${group}" name="${escape(name)}"`;
  if (tag === null) {
    return `${open}>\n      <system-out>${escape(`${message}\n${more}`)}</system-out>\n    </testcase>\n`;
  }
  const kind = tag === "skipped" ? "" : ` type="${type}"`;
  const told = `      <${tag} message="${escape(message)}"${kind}>${escape(more)}</${tag}>\n`;
  return `${open}>\n${told}    </testcase>\n`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

// XML 1.0 has no way to write these, not even as a reference.
// oxlint-disable-next-line no-control-regex -- these are what must not be there
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(forbidden, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replaceAll(/[&<>"'\n\r\t]/g, (letter) => entities[letter] ?? letter);
}
