// A report as one self-contained HTML page: no script, nothing loaded from anywhere, readable on a phone and on paper.
import type { Report } from "../report.ts";
import { showVerdict } from "../show.ts";
import { documentText, element, type Markup, styleElement } from "./markup.ts";
import { classifierFigures } from "./sections/classifier.ts";
import { distributionCards } from "./sections/distributions.ts";
import { dataTables, provenance, reproduction } from "./sections/evidence.ts";
import { headOf, judgementOf } from "./sections/judgement.ts";
import { comparisonTable, fairnessTables, metricsTable, sliceTables } from "./sections/measures.ts";
import { regressorFigures } from "./sections/regressor.ts";
import { css } from "./style.ts";

/** Nothing may be loaded or run, even if something had slipped in. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * The page. Text from data and model is escaped by the one emitter that it is made with.
 * @param name the model and its version: `fraud 1.4.0`
 */
export function renderHtml(report: Report, name: string): string {
  const figures = [...classifierFigures(report), ...regressorFigures(report)];
  const sections = [
    section("gates", "Gates", judgementOf(report)),
    section("metrics", "Metrics", metricsTable(report)),
    section("comparison", "Comparison with production", comparisonTable(report)),
    section("slices", "Slices", sliceTables(report)),
    section("fairness", "Groups", fairnessTables(report)),
    section(
      "pictures",
      "Pictures",
      figures.length === 0 ? [] : [element("div", { class: "figures" }, figures)],
    ),
    section("distributions", "Distributions", distributionCards(report)),
    section("data", "Data", dataTables(report)),
    section("provenance", "Provenance", provenance(report)),
    section("again", "How to do it again", reproduction(report)),
  ].filter((part) => part !== null);
  const links = sections.map(({ id, title }) => element("a", { href: `#${id}` }, title));
  const page = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, `${name} ${showVerdict(report)}`),
      element("link", { rel: "icon", href: "data:," }),
      styleElement(css),
    ),
    element(
      "body",
      {},
      headOf(report, name),
      element("nav", { "aria-label": "Sections" }, links),
      element(
        "main",
        {},
        sections.map(({ body }) => body),
      ),
      element("footer", {}, `${report.tool.name} ${report.tool.version} · ${report.digest}`),
    ),
  );
  return documentText(page);
}

interface Section {
  id: string;
  title: string;
  body: Markup;
}

/** A part of the page; null when there is nothing in it. */
function section(id: string, title: string, parts: Markup[]): Section | null {
  if (parts.length === 0) return null;
  return { id, title, body: element("section", { id }, element("h2", {}, title), parts) };
}
