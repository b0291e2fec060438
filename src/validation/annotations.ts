// Workflow commands of GitHub Actions: what went wrong, on the lines of mlship.yaml that ask for it.
import type { Place } from "../errors.ts";
import { worstFirst } from "./cells.ts";
import type { Report } from "./report.ts";

type Gate = Report["gates"][number];

/** GitHub shows ten annotations of a kind per step, the first ones. */
const mostAnnotations = 10;

/**
 * One line per gate that did not pass and per finding, the worst first, at most ten.
 * @param placeOf the line of mlship.yaml that asks for a gate; null for one that a flag asked for
 */
export function renderAnnotations(report: Report, placeOf: (gate: Gate) => Place | null): string[] {
  const gates = worstFirst(report.gates)
    .filter(({ status }) => status !== "skipped")
    .map((gate) => {
      const hint = gate.hint === null ? "" : `. ${gate.hint}`;
      const level = gate.status === "inconclusive" ? "warning" : "error";
      return {
        rank: level === "error" ? 0 : 2,
        line: command(level, gate.id, `${gate.why}${hint}`, placeOf(gate)),
      };
    });
  const findings = report.findings.map(({ code, severity, what, fix }) => {
    const level = severity === "fail" ? "error" : "warning";
    return { rank: severity === "fail" ? 1 : 3, line: command(level, code, `${what}. ${fix}`, null) };
  });
  const all = [...gates, ...findings].toSorted((a, b) => a.rank - b.rank).map(({ line }) => line);
  if (all.length <= mostAnnotations) return all;
  return all.slice(0, mostAnnotations);
}

function command(level: "error" | "warning", title: string, text: string, place: Place | null): string {
  const properties = {
    file: place?.file,
    line: place?.line,
    col: place?.column,
    title: `mlship: ${title}`,
  };
  const shown = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`],
  );
  return `::${level} ${shown.join(",")}::${escapeData(text)}`;
}

const escapeData = (text: string) =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const escapeProperty = (text: string) => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
