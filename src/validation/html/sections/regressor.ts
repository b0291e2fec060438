// Pictures of a regressor: how its errors are spread, and predictions against the truth.
import { showCount } from "../../show.ts";
import type { Report } from "../../report.ts";
import { bars, chart } from "../chart.ts";
import { element, type Markup } from "../markup.ts";
import { domainOf } from "../scale.ts";

/** Two figures per output. */
export function regressorFigures({ pictures, dataset }: Report): Markup[] {
  return pictures.residuals.flatMap((residuals) => {
    const named = residuals.output === dataset.target ? "" : ` of ${residuals.output}`;
    return [spread(residuals, named), scatter(residuals, named)];
  });
}

type Residuals = Report["pictures"]["residuals"][number];

function spread({ edges, counts }: Residuals, named: string): Markup {
  // The outermost bins hold what is far away: they are drawn as wide as the others.
  const inner = edges.length > 4 ? edges.slice(1, -1) : edges;
  const width = ((inner.at(-1) ?? 0) - (inner[0] ?? 0)) / Math.max(1, inner.length - 1) || 1;
  const drawn = inner === edges ? edges : [(inner[0] ?? 0) - width, ...inner, (inner.at(-1) ?? 0) + width];
  const most = Math.max(...counts);
  const outer = counts.map((count, at) => (at === 0 || at === counts.length - 1 ? count : 0));
  const middle = counts.map((count, at) => (outer[at] === count ? 0 : count));
  const split = inner !== edges;
  return chart(
    {
      title: `Residuals${named}`,
      description: `Predicted minus true; ${split ? "the pale bars at the ends hold everything beyond." : "in rows."}`,
      x: { label: "predicted − true", domain: domainOf(drawn, 0.02) },
      y: { label: "rows", domain: [0, most || 1], show: showCount },
    },
    (frame) => [
      bars("bar", frame, drawn, split ? middle : counts),
      ...(split ? [bars("bar pale", frame, drawn, outer)] : []),
      element("line", {
        class: "zero",
        x1: frame.x(0),
        x2: frame.x(0),
        y1: frame.y(frame.y.from),
        y2: frame.y(frame.y.to),
      }),
    ],
  );
}

function scatter({ sample }: Residuals, named: string): Markup {
  const domain = domainOf([...sample.x, ...sample.y], 0.04);
  return chart(
    {
      title: `Predicted and true${named}`,
      description: `${sample.x.length} rows, evenly over the file; on the diagonal the prediction is right.`,
      x: { label: "true", domain },
      y: { label: "predicted", domain },
    },
    (frame) => [
      element("line", {
        class: "diagonal",
        x1: frame.x(domain[0]),
        y1: frame.y(domain[0]),
        x2: frame.x(domain[1]),
        y2: frame.y(domain[1]),
      }),
      ...sample.x.map((x, at) =>
        element("circle", { class: "dot", cx: frame.x(x), cy: frame.y(sample.y[at] ?? 0), r: 2.5 }),
      ),
    ],
  );
}
