// Pictures of a classifier: ROC, precision-recall, calibration and confusion.
import { showShare } from "../../cells.ts";
import { showCount } from "../../show.ts";
import type { Report } from "../../report.ts";
import { type Axis, chart, type Frame, polyline, stepLine } from "../chart.ts";
import { element, type Markup } from "../markup.ts";
import { place } from "../scale.ts";

type Curves = Report["pictures"]["curves"];

const share = (label: string): Axis => ({ label, domain: [0, 1] });

/** All figures that there are. */
export function classifierFigures(report: Report): Markup[] {
  const { curves, confusion } = report.pictures;
  return [
    ...(curves.length === 0 ? [] : [roc(curves), precisionRecall(curves)]),
    ...(report.calibration === null ? [] : calibrationFigures(report.calibration)),
    ...(confusion === null ? [] : [confusionFigure(confusion)]),
  ];
}

function roc(curves: Curves): Markup {
  return chart(
    {
      title: "ROC curve",
      description: `How many ${ofClass(curves)} are caught at which share of false alarms.`,
      x: share("false positive rate"),
      y: share("true positive rate"),
      legend: legend(curves),
    },
    (frame) => [
      diagonal(frame),
      ...curves.map((curve, at) => polyline(`l${at}`, frame, curve.roc.x, curve.roc.y)),
    ],
  );
}

function precisionRecall(curves: Curves): Markup {
  return chart(
    {
      title: "Precision and recall",
      description: `How many alarms are right when this share of ${ofClass(curves)} is caught.`,
      x: share("recall"),
      y: share("precision"),
      legend: legend(curves),
    },
    (frame) => curves.map(({ precisionRecall: { x, y } }, at) => stepLine(`l${at}`, frame, x, y)),
  );
}

const ofClass = (curves: Curves) =>
  curves.length === 1 ? `rows of class ${String(curves[0]?.class)}` : "rows of a class";

function legend(curves: Curves): Markup | null {
  if (curves.length < 2) return null;
  const entries = curves.map((curve, at) =>
    element(
      "li",
      {},
      element(
        "svg",
        { viewBox: "0 0 22 8", "aria-hidden": "true" },
        element("line", { class: `l${at}`, x1: 0, x2: 22, y1: 4, y2: 4 }),
      ),
      String(curve.class),
    ),
  );
  return element("ul", { class: "legend" }, entries);
}

const diagonal = ({ x, y }: Frame) =>
  element("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) });

function calibrationFigures({ of, bins }: NonNullable<Report["calibration"]>): Markup[] {
  const heaviest = Math.max(...bins.map(({ weight }) => weight));
  const all = bins.reduce((sum, { weight }) => sum + weight, 0);
  const filled = bins.flatMap(({ predicted, observed, weight }) =>
    predicted === null || observed === null ? [] : [{ predicted, observed, weight }],
  );
  const what = of === "positive" ? "the positive class" : "the predicted class";
  const reliability = chart(
    {
      title: "Calibration",
      description: `How often ${what} is right at each probability; on the diagonal the probabilities can be taken at their word. Larger points hold more rows.`,
      x: share("mean probability"),
      y: share("observed share"),
    },
    (frame) => [
      diagonal(frame),
      polyline(
        "l0",
        frame,
        filled.map(({ predicted }) => predicted),
        filled.map(({ observed }) => observed),
      ),
      ...filled.map(({ predicted, observed, weight }) =>
        element(
          "circle",
          {
            class: "bin",
            cx: frame.x(predicted),
            cy: frame.y(observed),
            r: place(3 + 6 * Math.sqrt(weight / heaviest)),
          },
          element("title", {}, `${showCount(weight)} rows (${showShare(weight, all)})`),
        ),
      ),
    ],
  );
  return [reliability];
}

/** Up to this many classes the table shows its numbers. */
const readable = 12;

function confusionFigure(confusion: NonNullable<Report["pictures"]["confusion"]>): Markup {
  const { classes, cells } = confusion;
  const strangers = cells.some((row) => (row[classes.length] ?? 0) > 0);
  const columns = strangers ? [...classes.map(String), "no class"] : classes.map(String);
  const drawn =
    classes.length <= readable
      ? confusionTable(classes.map(String), columns, cells)
      : confusionMap(classes.length, columns.length, cells);
  return element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      element("strong", {}, "Confusion"),
      element(
        "span",
        { class: "muted" },
        "Each row is a true class, each column what the model said; a stronger colour is a larger share of the row.",
      ),
    ),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion table" }, drawn),
    classes.length <= readable ? null : worstPairs(classes.map(String), columns, cells),
  );
}

function confusionTable(
  classes: readonly string[],
  columns: readonly string[],
  cells: readonly (readonly number[])[],
): Markup {
  const heading = columns.map((name) => element("th", { scope: "col" }, name));
  const rows = classes.map((name, row) => {
    const total = cells[row]?.reduce((sum, count) => sum + count, 0) ?? 0;
    const counts = columns.map((_column, column) => {
      const count = cells[row]?.[column] ?? 0;
      return element(
        "td",
        { class: row === column ? "right" : "wrong", vars: { share: total > 0 ? count / total : 0 } },
        showCount(count),
        element("br", {}),
        element("small", {}, total > 0 ? showShare(count, total) : "–"),
      );
    });
    return element("tr", {}, element("th", { scope: "row" }, name), counts);
  });
  return element(
    "table",
    { class: "confusion" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "true \\ said"), heading)),
    element("tbody", {}, rows),
  );
}

function confusionMap(rows: number, columns: number, cells: readonly (readonly number[])[]): Markup {
  const side = 8;
  const marks = cells.flatMap((counts, row) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.slice(0, columns).map((count, column) =>
      count === 0
        ? null
        : element("rect", {
            class: "cell",
            x: column * side,
            y: row * side,
            width: side - 0.5,
            height: side - 0.5,
            vars: { share: Math.round((100 * count) / total) / 100 },
          }),
    );
  });
  return element(
    "svg",
    { class: "chart map", viewBox: `0 0 ${columns * side} ${rows * side}`, role: "img" },
    element("title", {}, `Confusion of ${rows} classes`),
    marks,
  );
}

function worstPairs(
  classes: readonly string[],
  columns: readonly string[],
  cells: readonly (readonly number[])[],
): Markup {
  const pairs = cells.flatMap((counts, row) =>
    counts.flatMap((count, column) => (row === column || count === 0 ? [] : [{ row, column, count }])),
  );
  const worst = pairs.toSorted((a, b) => b.count - a.count).slice(0, 10);
  return element(
    "ol",
    {},
    worst.map(({ row, column, count }) =>
      element(
        "li",
        {},
        `${classes[row] ?? ""} taken for ${columns[column] ?? "no class"}: ${showCount(count)}`,
      ),
    ),
  );
}
