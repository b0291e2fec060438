// How predictions and features are distributed, as small as fits: a page of 200 features stays readable.
import { showShare } from "../../cells.ts";
import { showCount } from "../../show.ts";
import type { Report } from "../../report.ts";
import type { ColumnProfile } from "../../report/profile.ts";
import { showShort } from "../chart.ts";
import { element, type Markup } from "../markup.ts";
import { place, scaleOf } from "../scale.ts";

/** More columns are folded, and beyond that left to the JSON. */
const [mostOpen, mostShown] = [12, 300];
/** Bars of a drawing, and categories of a list. */
const [mostBars, mostCategories] = [32, 5];

/** Predictions and features. */
export function distributionCards({ profile }: Report): Markup[] {
  const { from, features, predictions } = profile;
  const left = features.length - mostShown;
  const cards = element("div", { class: "cards" }, features.slice(0, mostShown).map(cardOf));
  const rest =
    left > 0 ? element("p", { class: "muted" }, `${left} more features are in the JSON report.`) : null;
  const source = from === "train" ? "on the training data" : "on the test data, for want of training data";
  return [
    ...(predictions.length === 0
      ? []
      : [
          element("h3", {}, "Predictions, on the test data"),
          element("div", { class: "cards" }, predictions.map(cardOf)),
        ]),
    ...(features.length === 0
      ? []
      : [
          element("h3", {}, `Features, ${source}`),
          ...(features.length <= mostOpen
            ? [cards]
            : [element("details", {}, element("summary", {}, `${features.length} features`), cards)]),
        ]),
    ...(rest === null ? [] : [rest]),
  ];
}

function cardOf(column: ColumnProfile): Markup {
  const { name, type, rows, missing } = column;
  const gaps = missing > 0 ? `, ${showShare(missing, rows)} missing` : "";
  return element(
    "div",
    { class: "card" },
    element("strong", {}, name),
    element("span", { class: "muted" }, `${type}${gaps}`),
    column.kind === "numbers" ? numbers(column) : categories(column),
  );
}

function numbers(column: Extract<ColumnProfile, { kind: "numbers" }>): Markup[] {
  const { name, edges, counts, below, above } = column;
  const [low, high] = [edges[0], edges.at(-1)];
  if (low === undefined || high === undefined) return [element("p", { class: "muted" }, "no values")];
  if (low === high) return [element("p", {}, `always ${showShort(low)}`)];
  const heights = rebin(edges, counts);
  const top = Math.max(...heights) || 1;
  const x = scaleOf([0, heights.length], [0, 200]);
  const y = scaleOf([0, top], [44, 1]);
  const path = heights.map((height, at) =>
    height > 0 ? `M${x(at)} 44V${y(height)}H${place(x(at + 1) - 0.6)}V44z` : "",
  );
  const outside = below + above;
  return [
    element(
      "svg",
      {
        class: "spark",
        viewBox: "0 0 200 44",
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `${name} from ${showShort(low)} to ${showShort(high)}`,
      },
      element("path", { class: "bar", d: path.join("") }),
    ),
    element(
      "div",
      { class: "ends" },
      element("span", {}, showShort(low)),
      outside > 0 ? element("span", {}, `${showCount(outside)} rows outside`) : null,
      element("span", {}, showShort(high)),
    ),
  ];
}

/** Bins of equal width out of bins of equal count, whose rows lie evenly between their edges. */
function rebin(edges: readonly number[], counts: readonly number[]): number[] {
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 0];
  const bins = Math.max(1, Math.min(mostBars, counts.length));
  const heights = Array.from({ length: bins }, () => 0);
  const width = (high - low) / bins;
  for (const [at, count] of counts.entries()) {
    const [from, to] = [edges[at] ?? 0, edges[at + 1] ?? 0];
    const first = Math.min(bins - 1, Math.max(0, Math.floor((from - low) / width)));
    const last = Math.min(bins - 1, Math.max(first, Math.ceil((to - low) / width) - 1));
    for (let bin = first; bin <= last; bin++) {
      const overlap = Math.min(to, low + (bin + 1) * width) - Math.max(from, low + bin * width);
      const share = first === last || to <= from ? 1 : Math.max(0, overlap / (to - from));
      heights[bin] = (heights[bin] ?? 0) + count * share;
    }
  }
  return heights;
}

function categories({
  top,
  other,
  distinct,
  rows,
}: Extract<ColumnProfile, { kind: "categories" }>): Markup[] {
  const shown = top.slice(0, mostCategories);
  const left = rows === 0 ? 0 : top.slice(mostCategories).reduce((sum, { count }) => sum + count, other);
  const items = shown.map(({ value, count }) => bar(value === "" ? "(empty)" : value, count, rows));
  return [
    element(
      "ol",
      {},
      items,
      left > 0 ? bar(`${showCount(distinct - shown.length)} others`, left, rows) : null,
    ),
  ];
}

const bar = (name: string, count: number, rows: number) =>
  element(
    "li",
    { vars: { share: rows > 0 ? Math.round((1000 * count) / rows) / 1000 : 0 } },
    element("span", {}, name),
    element("span", { class: "muted" }, showShare(count, rows)),
  );
