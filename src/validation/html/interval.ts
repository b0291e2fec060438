// An interval on a line, as small as a word: value, interval, and the bound that it is held against.
import { element, type Markup } from "./markup.ts";
import { place, scaleOf } from "./scale.ts";

const size = { width: 180, height: 22, edge: 6 };

/** What stands on the line. */
export interface Drawn {
  value: number | null;
  ci: { lo: number; hi: number } | null;
  /** Colours it: the status of a gate, or `better`, `worse`, `same`. */
  className: string;
  /** What the line spans; of lines below each other the same. */
  domain: readonly [number, number];
  /** A line across, such as a bound or zero. */
  mark?: number | null;
  /** The side of the mark that passes is shaded. */
  shaded?: "above" | "below" | null;
  /** What is drawn, in words. */
  label: string;
}

/** The drawing; it says nothing that the cells beside it do not, so it is one image with a short name. */
export function intervalLine({
  value,
  ci,
  className,
  domain,
  mark = null,
  shaded = null,
  label,
}: Drawn): Markup {
  const x = scaleOf(domain, [size.edge, size.width - size.edge]);
  const middle = size.height / 2;
  const at = mark === null ? null : x(mark);
  const side =
    at === null || shaded === null
      ? null
      : element("rect", {
          class: "allowed",
          x: shaded === "above" ? at : 0,
          y: 2,
          width: place(shaded === "above" ? size.width - at : at),
          height: size.height - 4,
        });
  return element(
    "svg",
    {
      class: `interval ${className}`,
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: "img",
      "aria-label": label,
    },
    side,
    element("line", { class: "track", x1: 0, x2: size.width, y1: middle, y2: middle }),
    at === null ? null : element("line", { class: "mark", x1: at, x2: at, y1: 1, y2: size.height - 1 }),
    ci === null
      ? null
      : element("line", { class: "range", x1: x(ci.lo), x2: x(ci.hi), y1: middle, y2: middle }),
    value === null ? null : element("circle", { class: "point", cx: x(value), cy: middle, r: 4.5 }),
  );
}
