// A drawing with axes: frame, marks and the words that tell it to who cannot see it.
import { showNumber } from "../show.ts";
import { element, type Markup } from "./markup.ts";
import { place, type Scale, scaleOf, ticksOf } from "./scale.ts";

/** What a chart is drawn in, in the units of its view box. */
const size = { width: 400, height: 300, left: 52, right: 14, top: 12, bottom: 44 };

export interface Axis {
  label: string;
  domain: readonly [number, number];
  /** How a number of the axis is written. */
  show?: (value: number) => string;
}

/** A chart's scales, for its marks. */
export interface Frame {
  x: Scale;
  y: Scale;
}

/** What a chart tells. */
export interface Chart {
  title: string;
  /** What is seen, in a sentence. */
  description: string;
  x: Axis;
  y: Axis;
  /** Explains what is drawn; below the chart. */
  legend?: Markup | null;
}

/** A figure of a titled, described drawing with axes, and `marks` in it. */
export function chart(
  { title, description, x, y, legend = null }: Chart,
  marks: (frame: Frame) => Markup[],
): Markup {
  const frame = {
    x: scaleOf(x.domain, [size.left, size.width - size.right]),
    y: scaleOf(y.domain, [size.height - size.bottom, size.top]),
  };
  const drawing = element(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", class: "chart" },
    element("title", {}, title),
    element("desc", {}, description),
    axes(frame, x, y),
    ...marks(frame),
  );
  return element(
    "figure",
    {},
    element("figcaption", {}, element("strong", {}, title), element("span", { class: "muted" }, description)),
    drawing,
    legend,
  );
}

function axes({ x, y }: Frame, horizontal: Axis, vertical: Axis): Markup {
  const [bottom, left] = [size.height - size.bottom, size.left];
  const showX = horizontal.show ?? showShort;
  const showY = vertical.show ?? showShort;
  const columns = ticksOf(x).flatMap((tick) => [
    element("line", { class: "grid", x1: x(tick), x2: x(tick), y1: size.top, y2: bottom }),
    element("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle" }, showX(tick)),
  ]);
  const rows = ticksOf(y).flatMap((tick) => [
    element("line", { class: "grid", x1: left, x2: size.width - size.right, y1: y(tick), y2: y(tick) }),
    element("text", { x: left - 7, y: place(y(tick) + 4), "text-anchor": "end" }, showY(tick)),
  ]);
  const middle = { x: (left + size.width - size.right) / 2, y: (size.top + bottom) / 2 };
  return element(
    "g",
    { class: "axes", "aria-hidden": "true" },
    ...columns,
    ...rows,
    element(
      "text",
      { class: "axis", x: middle.x, y: size.height - 8, "text-anchor": "middle" },
      horizontal.label,
    ),
    element(
      "text",
      { class: "axis", transform: `translate(13 ${middle.y}) rotate(-90)`, "text-anchor": "middle" },
      vertical.label,
    ),
  );
}

/** A number for an axis: short, with a suffix from a million on. */
export function showShort(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e12 || (magnitude > 0 && magnitude < 1e-3))
    return value.toExponential(1).replace(".0e", "e");
  if (magnitude >= 1e9) return `${showNumber(value / 1e9, 1)}G`;
  if (magnitude >= 1e6) return `${showNumber(value / 1e6, 1)}M`;
  return magnitude >= 1e4 ? `${showNumber(value / 1e3, 1)}k` : showNumber(value, 3);
}

/** A line through points. */
export function polyline(
  className: string,
  { x, y }: Frame,
  xs: readonly number[],
  ys: readonly number[],
): Markup {
  const points = xs.map((at, index) => `${x(at)},${y(ys[index] ?? 0)}`);
  return element("polyline", { class: className, points: points.join(" ") });
}

/** A line that holds its height until the next point, and then jumps: from the right, as precision does. */
export function stepLine(
  className: string,
  { x, y }: Frame,
  xs: readonly number[],
  ys: readonly number[],
): Markup {
  const points = xs.flatMap((at, index) => {
    const height = y(ys[index] ?? 0);
    return index === 0
      ? [`${x(at)},${height}`]
      : [`${x(xs[index - 1] ?? 0)},${height}`, `${x(at)},${height}`];
  });
  return element("polyline", { class: className, points: points.join(" ") });
}

/** Bars between edges, each with its own height, as one path. */
export function bars(
  className: string,
  { x, y }: Frame,
  edges: readonly number[],
  heights: readonly number[],
): Markup {
  const base = y(0);
  const path = heights.map((height, at) => {
    const [from, to] = [x(edges[at] ?? 0), x(edges[at + 1] ?? 0)];
    return height > 0 ? `M${from} ${base}V${y(height)}H${to}V${base}z` : "";
  });
  return element("path", { class: className, d: path.join("") });
}
