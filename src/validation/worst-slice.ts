// The slices that a reader should hear of first.
import { isLoss } from "./metrics/measure.ts";
import type { Report } from "./report.ts";
import { showInterval } from "./cells.ts";
import { showCount, showMetric, showName } from "./show.ts";

type Slice = Report["slices"][number];

/** A metric of a slice that is worse than on all other rows. */
interface Shortfall {
  slice: Slice;
  metric: Slice["metrics"][number];
  /** How much worse, above 0. */
  by: number;
}

/** What falls short of the rest, the surest first. */
function shortfalls(slices: readonly Slice[]): Shortfall[] {
  const all = slices.flatMap((slice) =>
    slice.metrics.flatMap((metric): Shortfall[] => {
      if (metric.value === null || metric.rest === null) return [];
      const by = isLoss(metric.name) ? metric.value - metric.rest : metric.rest - metric.value;
      return by > 0 ? [{ slice, metric, by }] : [];
    }),
  );
  return all.toSorted((a, b) => (a.metric.pAdjusted ?? 1) - (b.metric.pAdjusted ?? 1) || b.by - a.by);
}

/** `recall 0.71 (0.65 … 0.76) against 0.89 elsewhere, in 340 rows where age >= 60`; null when no declared slice falls short. */
export function worstSlice({ slices }: Pick<Report, "slices">): string | null {
  const [worst] = shortfalls(slices.filter(({ origin }) => origin === "declared"));
  return worst === undefined ? null : tell(worst);
}

/** The same of slices that were searched for, at most `most`: one line per slice. */
export function foundSlices({ slices }: Pick<Report, "slices">, most: number): string[] {
  const seen = new Set<string>();
  return shortfalls(slices.filter(({ origin }) => origin === "found"))
    .filter(({ slice }) => !seen.has(slice.name) && seen.add(slice.name))
    .slice(0, most)
    .map(tell);
}

// The predicate comes last: it can be long.
function tell({ slice, metric }: Shortfall): string {
  const { name, value, ci, rest } = metric;
  const range = ci === null ? "" : ` (${showInterval(name, ci)})`;
  const where = slice.name === slice.where ? `where ${slice.name}` : `of ${slice.name}`;
  const shown = value === null ? "none" : showMetric(name, value);
  return `${showName(metric)} ${shown}${range} against ${showMetric(name, rest ?? 0)} elsewhere, in ${showCount(slice.rows)} rows ${where}`;
}
