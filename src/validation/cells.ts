// A gate, a metric or a difference in words, alike in every rendering of a report: terminal, Markdown, HTML, JUnit.
import { rounding } from "./gates/floor.ts";
import { isLoss } from "./metrics/measure.ts";
import type { Report } from "./report.ts";
import { showApart, showMetric, showName, showNumber } from "./show.ts";

type Gate = Report["gates"][number];

/** What a row about a gate says. */
export interface GateCells {
  /** `recall (macro)`, `recall [age >= 60]`, `f1, change from 1.4.0`, `recall, gap by country`. */
  name: string;
  /** The number that is judged; of a `maxDrop` the difference to production. `none` where there is none. */
  value: string;
  /** `0.912 … 0.948`; empty where there is none. */
  interval: string;
  /** `≥ 0.9`. */
  required: string;
  /** Marked by its letters, not only by a colour: FAIL and ERROR are capitals. */
  status: string;
}

/** The numbers that a gate is about, all in one unit: what may be drawn on one axis. */
export interface GateNumbers {
  value: number | null;
  ci: { lo: number; hi: number } | null;
  bound: number;
  /** Which side of the bound passes. */
  side: "above" | "below";
}

/** @param report its `volatile` part holds what budgets are judged on. */
export function gateNumbers(gate: Gate, { volatile }: Pick<Report, "volatile">): GateNumbers {
  const { metric, bound, required, observed, production, ci } = gate;
  if (bound === "maxDrop") {
    const value = observed === null || production === null ? null : observed - production;
    const loss = isLoss(metric);
    return { value, ci, bound: loss ? required : -required, side: loss ? "below" : "above" };
  }
  const { loadSeconds, rss, latency } = volatile.performance;
  const measured = { loadTime: loadSeconds, rss, latencyP99: latency?.p99 ?? null };
  const budget = metric === "loadTime" || metric === "rss" || metric === "latencyP99";
  const value = budget ? measured[metric] : observed;
  return { value, ci, bound: required, side: bound === "min" ? "above" : "below" };
}

/** A gate as the cells of a row. */
export function gateCells(gate: Gate, report: Pick<Report, "volatile" | "fairness" | "baseline">): GateCells {
  const { metric, status } = gate;
  const { value, ci, bound, side } = gateNumbers(gate, report);
  const sign = side === "above" ? "≥" : "≤";
  const near = value ?? ci?.lo ?? bound;
  const [shown, limit] = showApart(metric, near, bound);
  return {
    name: gateName(gate, report),
    value: value === null ? "none" : gate.bound === "maxDrop" ? signed(shown) : shown,
    interval: ci === null ? "" : showInterval(metric, ci, bound),
    required: `${sign} ${gate.bound === "maxDrop" ? signed(limit) : limit}`,
    status: status === "fail" || status === "error" ? status.toUpperCase() : status,
  };
}

function gateName(gate: Gate, { fairness, baseline }: Pick<Report, "fairness" | "baseline">): string {
  const name = showName({ name: gate.metric, average: gate.average });
  const where = gate.slice === null ? "" : ` [${gate.slice}]`;
  if (gate.bound === "maxDrop") {
    return `${name}${where}, change from ${baseline === null ? "production" : baseline.version}`;
  }
  if (gate.bound !== "maxGap") return `${name}${where}`;
  const group = fairness.find(({ column }) => gate.id.endsWith(`[${column}]`));
  return group === undefined ? gate.id : `${name}, gap by ${group.column}`;
}

const ranks = ["fail", "error", "inconclusive", "skipped"];

/** The gates that did not pass: the proven failures first. */
export function worstFirst(gates: readonly Gate[]): Gate[] {
  return gates
    .filter(({ status }) => status !== "pass")
    .toSorted((a, b) => ranks.indexOf(a.status) - ranks.indexOf(b.status));
}

/** Why gates did not pass. */
export interface Reason {
  /** The gates that it holds for: `accuracy, f1 [no income]`; empty where the reason itself begins with its one gate. */
  of: string;
  ids: string[];
  status: Gate["status"];
  why: string;
  hint: string | null;
}

/** The reasons, the worst first; gates that have one in common share it. */
export function reasonsOf(gates: readonly Gate[]): Reason[] {
  const groups = Map.groupBy(worstFirst(gates), ({ slice, status, why, hint }) =>
    JSON.stringify([slice, status, why, hint]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { slice, status, why, hint } = first;
    const names = [...new Set(group.map(showNameOf))].join(", ");
    const isNamed = group.length === 1 && why.startsWith(names);
    const of = isNamed ? "" : slice === null ? names : `${names} [${slice}]`;
    return [{ of, ids: group.map(({ id }) => id), status, why, hint }];
  });
}

/**
 * Why gates passed although the value lies on the wrong side: a slice is refused only when it is proven
 * to break a bound, and whoever reads the value must know.
 */
export function toleratedOf({ gates, volatile }: Pick<Report, "gates" | "volatile">): string[] {
  return gates.flatMap((gate) => {
    const { value, bound, side } = gateNumbers(gate, { volatile });
    if (gate.status !== "pass" || value === null) return [];
    const breaks = side === "above" ? value < bound - rounding : value > bound + rounding;
    return breaks ? [gate.why] : [];
  });
}

const showNameOf = ({ metric, average }: Gate) => showName({ name: metric, average });

/** The ends of an interval; none of them looks equal to a bound that it is not. */
export function showInterval(
  metric: string,
  { lo, hi }: { lo: number; hi: number },
  bound: number | null = null,
): string {
  const [low, high] = [lo, hi].map((end) =>
    bound === null ? showMetric(metric, end) : showApart(metric, end, bound)[0],
  );
  return `${low ?? ""} … ${high ?? ""}`;
}

/** A difference with its sign: `+0.012`, `-0.003`. */
export function showChange(metric: string, change: number): string {
  return signed(showMetric(metric, change));
}

const signed = (text: string) => (text.startsWith("-") || text === "0" ? text : `+${text}`);

/** A share of rows as a percentage: `12.5 %`; what is there and rounds to nothing is not nothing. */
export function showShare(part: number, whole: number): string {
  if (whole === 0) return "none";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 0.05 ? "<0.1 %" : `${showNumber(percent, 1)} %`;
}

/** How sure the intervals of a report are: `95 %`; null when it has none. */
export function levelOf({ metrics }: Pick<Report, "metrics">): string | null {
  const level = metrics.find(({ ci }) => ci !== null)?.ci?.level;
  return level === undefined ? null : `${showNumber(level * 100, 2)} %`;
}
