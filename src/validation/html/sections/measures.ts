// Metrics, the comparison with production, slices and groups: numbers with their intervals drawn beside them.
import { levelOf, showChange, showInterval } from "../../cells.ts";
import { averagesOf, isLoss } from "../../metrics/measure.ts";
import type { Report } from "../../report.ts";
import { showCount, showMetric, showName, showNumber } from "../../show.ts";
import { intervalLine } from "../interval.ts";
import { element, type Markup } from "../markup.ts";
import { domainOf } from "../scale.ts";
import { type Column, type Row, tableOf } from "../table.ts";

/** Metrics that have no natural scale: each is drawn on its own. */
const unbounded = new Set<string>(["logLoss", "mae", "rmse", "mape", "r2", "medianAbsoluteError", "pinball"]);

const domainOfMetric = (name: string, ends: readonly (number | null)[]): [number, number] => {
  if (unbounded.has(name)) return domainOf([0, ...ends], 0.1);
  return name === "mcc" ? [-1, 1] : [0, 1];
};

/** The metrics with the task's own averages; the others are folded. */
export function metricsTable(report: Report): Markup[] {
  const { metrics, task, dataset } = report;
  const isOwn = ({ name, average }: Metric) => average === averagesOf(task, name)[0];
  const own = tableOf(
    `On ${showCount(dataset.rows)} rows. Lines go from 0 to 1, of mcc from -1, of what has no end from 0 to the value.`,
    metricColumns(report),
    metrics.filter(isOwn).map(metricRow),
  );
  const others = tableOf(
    "Metrics of several classes, averaged in another way",
    metricColumns(report),
    metrics.filter((metric) => !isOwn(metric)).map(metricRow),
  );
  return [
    own,
    others === null ? null : element("details", {}, element("summary", {}, "Other averages"), others),
  ].filter((part) => part !== null);
}

type Metric = Report["metrics"][number];

const metricColumns = (report: Report): Column[] => [
  { heading: "metric" },
  { heading: "value", kind: "number" },
  { heading: `${levelOf(report) ?? ""} interval`.trimStart(), kind: "number" },
  { heading: "", kind: "picture" },
];

function metricRow({ name, average, value, reason, ci }: Metric): Row {
  const shown = showName({ name, average });
  if (value === null) return { cells: [shown, `none: ${reason ?? ""}`, null, null] };
  const domain = domainOfMetric(name, [value, ci?.lo ?? null, ci?.hi ?? null]);
  const label = `${shown} ${showMetric(name, value)}`;
  return {
    cells: [
      shown,
      showMetric(name, value),
      ci === null ? null : showInterval(name, ci),
      intervalLine({ value, ci, className: "", domain, label }),
    ],
  };
}

/** The candidate beside production: where an interval leaves zero, they differ. */
export function comparisonTable({ comparisons, baseline }: Report): Markup[] {
  const rows = comparisons.map(({ metric, average, candidate, production, delta, ci, test, p }) => {
    const [low, high] = [ci?.lo ?? delta, ci?.hi ?? delta];
    const up = isLoss(metric) ? "worse" : "better";
    const down = isLoss(metric) ? "better" : "worse";
    const change = ci === null || (low <= 0 && high >= 0) ? "same" : low > 0 ? up : down;
    const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const shown = showName({ name: metric, average });
    return {
      cells: [
        shown,
        showMetric(metric, production),
        showMetric(metric, candidate),
        showChange(metric, delta),
        ci === null ? null : showInterval(metric, ci),
        p === null ? test : `${showP(p)} (${test})`,
        intervalLine({
          value: delta,
          ci,
          className: change,
          domain: [-reach * 1.15, reach * 1.15],
          mark: 0,
          label: `${shown}: ${change === "same" ? "no difference shown" : change}`,
        }),
      ],
    };
  });
  const table = tableOf(
    `Version ${baseline?.version ?? "in production"} and this one, on the same rows. The line across is no difference; each row has its own scale.`,
    [
      { heading: "metric" },
      { heading: baseline?.version ?? "production", kind: "number" },
      { heading: "this", kind: "number" },
      { heading: "change", kind: "number" },
      { heading: "interval", kind: "number" },
      { heading: "p", kind: "number" },
      { heading: "", kind: "picture" },
    ],
    rows,
  );
  return table === null ? [] : [table];
}

const showP = (p: number) => (p < 0.0001 ? "<0.0001" : showNumber(p));

/** A forest of slices per metric, against the rest of the rows. */
export function sliceTables({ slices }: Report): Markup[] {
  const names = new Map(
    slices.flatMap(({ metrics }) => metrics.map(({ name, average }) => [showName({ name, average }), name])),
  );
  const tables = [...names].map(([shown, metric]) => {
    const found = slices.flatMap((slice) =>
      slice.metrics
        .filter(({ name, average }) => showName({ name, average }) === shown)
        .map((measured) => ({ slice, ...measured })),
    );
    const domain = domainOf(
      found.flatMap(({ value, ci, rest }) => [value, ci?.lo ?? null, ci?.hi ?? null, rest]),
    );
    return tableOf(
      `${shown}. The line across is the value on all other rows; scale from ${showNumber(domain[0], 3)} to ${showNumber(domain[1], 3)}.`,
      [
        { heading: "slice" },
        { heading: "rows", kind: "number" },
        { heading: "value", kind: "number" },
        { heading: "interval", kind: "number" },
        { heading: "elsewhere", kind: "number" },
        { heading: "p, adjusted", kind: "number" },
        { heading: "", kind: "picture" },
      ],
      found.map(({ slice, value, ci, rest, pAdjusted }) => ({
        className: slice.origin === "found" ? "found" : "",
        cells: [
          slice.origin === "found" ? `${slice.name} (found)` : slice.name,
          showCount(slice.rows),
          value === null ? "none" : showMetric(metric, value),
          ci === null ? null : showInterval(metric, ci),
          rest === null ? null : showMetric(metric, rest),
          pAdjusted === null ? null : showP(pAdjusted),
          value === null
            ? null
            : intervalLine({
                value,
                ci,
                className: slice.origin === "found" ? "found" : "",
                domain,
                mark: rest,
                label: `${slice.name}: ${showMetric(metric, value)}`,
              }),
        ],
      })),
    );
  });
  const unmeasured = slices.filter(({ reason }) => reason !== null);
  const reasons = unmeasured.map(({ name, rows, reason }) =>
    element("li", {}, element("strong", {}, name), ` (${showCount(rows)} rows): ${reason ?? ""}`),
  );
  const advice = slices.some(({ origin }) => origin === "found")
    ? element(
        "p",
        { class: "muted" },
        "Slices marked (found) were searched for, not declared: they are advice, and no gate looks at them.",
      )
    : null;
  return [...tables, advice, reasons.length === 0 ? null : element("ul", {}, reasons)].filter(
    (part) => part !== null,
  );
}

/** The groups of each column of `validate.fairness`. */
export function fairnessTables({ fairness }: Report): Markup[] {
  return fairness.flatMap(({ column, metric, average, maxGap, groups, gap, ci }) => {
    const shown = showName({ name: metric, average });
    const domain = domainOf(
      groups.flatMap((group) => [group.value, group.ci?.lo ?? null, group.ci?.hi ?? null]),
    );
    const told =
      gap === null
        ? "fewer than two groups can be compared"
        : `the largest gap is ${showMetric(metric, gap)}${ci === null ? "" : ` (${showInterval(metric, ci)})`}, at most ${showMetric(metric, maxGap)} is allowed`;
    const table = tableOf(
      `${shown} by ${column}: ${told}.`,
      [
        { heading: column },
        { heading: "rows", kind: "number" },
        { heading: shown, kind: "number" },
        { heading: "interval", kind: "number" },
        { heading: "", kind: "picture" },
      ],
      groups.map(({ group, rows, value, ci: interval, reason }) => ({
        className: reason === null ? "" : "found",
        cells: [
          group === null ? "missing" : String(group),
          showCount(rows),
          value === null ? `none: ${reason ?? ""}` : showMetric(metric, value),
          interval === null ? null : showInterval(metric, interval),
          value === null
            ? null
            : intervalLine({
                value,
                ci: interval,
                className: "",
                domain,
                label: `${String(group)}: ${showMetric(metric, value)}`,
              }),
        ],
      })),
    );
    return table === null ? [] : [table];
  });
}
