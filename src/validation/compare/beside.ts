// The metrics of two reports side by side, and whether their difference means anything.
import { defaultMetrics } from "../metrics/measure.ts";
import type { Report } from "../report.ts";

type Ends = { lo: number; hi: number };

/** One number of a report; both null where it has none. */
export interface Reached {
  value: number | null;
  ci: Ends | null;
}

/** One metric of both. */
export interface MetricPair {
  name: string;
  average: string | null;
  from: Reached | null;
  to: Reached | null;
  /** The later minus the earlier on the same rows; null where the two are of different ones. */
  change: { value: number; ci: Ends | null } | null;
}

/** Two reports, metric by metric. */
export interface MetricsBeside {
  /** Whether the numbers were measured on the same rows with the same labels. */
  comparable: boolean;
  /** Why not, as sentences without full stops. */
  why: string[];
  /**
   * Whether the later report scored both models on its own rows: then `change` is its paired
   * difference with an interval, also where the reports' own numbers are not comparable.
   */
  paired: boolean;
  /** How sure the intervals are: 0.95; null without any. */
  level: number | null;
  metrics: MetricPair[];
}

/** Puts the metrics that a task is told by beside each other. */
export function metricsBeside(from: Report, to: Report): MetricsBeside {
  const why = differencesOf(from, to);
  const comparable = why.length === 0;
  const paired = to.baseline !== null && to.baseline.model === from.model.digest;
  const [before, after] = [from, to].map(({ task, metrics }) => defaultMetrics(task, metrics));
  const keyOf = ({ name, average }: { name: string; average: string | null }) => `${name} ${average ?? ""}`;
  const [was, is] = [before, after].map((all) => new Map((all ?? []).map((one) => [keyOf(one), one])));
  const keys = [...new Set([...(is?.keys() ?? []), ...(was?.keys() ?? [])])];
  const metrics = keys.flatMap((key): MetricPair[] => {
    const [old, now] = [was?.get(key), is?.get(key)];
    const any = now ?? old;
    if (any === undefined) return [];
    const { name, average } = any;
    const told = paired
      ? to.comparisons.find((one) => one.metric === name && one.average === average)
      : undefined;
    const both = comparable && old?.value != null && now?.value != null;
    const change =
      told !== undefined
        ? { value: told.delta, ci: endsOf(told.ci) }
        : both
          ? { value: (now.value ?? 0) - (old.value ?? 0), ci: null }
          : null;
    return [{ name, average, from: reached(old), to: reached(now), change }];
  });
  const level = [...to.metrics, ...from.metrics].find(({ ci }) => ci !== null)?.ci?.level ?? null;
  return { comparable, why, paired, level, metrics };
}

/** All that makes two numbers of one name mean different things. */
function differencesOf(from: Report, to: Report): string[] {
  const [was, is] = [from.dataset, to.dataset];
  return [
    ...(from.task === to.task ? [] : [`one is ${from.task} and the other ${to.task}`]),
    ...(was.digest === is.digest ? [] : ["they were measured on different data"]),
    ...(was.target === is.target ? [] : ["they predict different columns"]),
    ...(was.weight === is.weight ? [] : ["their rows are weighted differently"]),
    ...(from.positive === to.positive ? [] : ["another class counts as positive"]),
  ];
}

function reached(metric: Report["metrics"][number] | undefined): Reached | null {
  return metric === undefined ? null : { value: metric.value, ci: endsOf(metric.ci) };
}

function endsOf(ci: Ends | null): Ends | null {
  return ci === null ? null : { lo: ci.lo, hi: ci.hi };
}
