// Numbers of a report for people: metrics, seconds, bytes, and pairs that must not look equal when they differ.
import type { Report } from "./report.ts";

/** A number with four decimals at most; very large and very small ones with four digits and an exponent. */
export function showNumber(value: number, decimals = 4): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 10 ** -decimals / 2))
    return Number(value.toPrecision(4)).toString();
  return Number(value.toFixed(decimals)).toString();
}

/** A count with a comma between thousands: `1,000,000`. */
export function showCount(count: number): string {
  if (!Number.isInteger(count)) return showNumber(count, 2);
  // The first call of `toLocaleString` loads tables of the locale, which every start would pay for.
  return count.toString().replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** A metric or budget in its unit. */
export function showMetric(metric: string, value: number, decimals = 4): string {
  if (metric === "loadTime") return `${showNumber(value, decimals)} s`;
  if (metric === "latencyP99") return `${showNumber(value * 1000, Math.max(0, decimals - 2))} ms`;
  return metric === "rss" || metric === "modelSize" ? showBytes(value) : showNumber(value, decimals);
}

/** A size in the largest binary unit in which it is at least 1. */
export function showBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1))} ${units[step] ?? "B"}`;
}

/** Two values of one metric, with as many decimals as it takes to tell them apart. */
export function showApart(metric: string, a: number, b: number): [string, string] {
  for (let decimals = 4; decimals < 15; decimals++) {
    const shown: [string, string] = [showMetric(metric, a, decimals), showMetric(metric, b, decimals)];
    if (a === b || shown[0] !== shown[1]) return shown;
  }
  return [String(a), String(b)];
}

/** A metric with its average, where it has one: `recall (weighted)`. */
export function showName({ name, average }: { name: string; average: string | null }): string {
  return average === null || average === "binary" ? name : `${name} (${average})`;
}

/** What of a report a verdict line says. */
type Judged = Pick<Report, "verdict" | "gates" | "findings">;

/** The verdict in words: `passes: 3 of 3 gates`. */
export function showVerdict({ verdict, gates, findings }: Judged): string {
  const passed = gates.filter(({ status }) => status === "pass").length;
  const skipped = gates.filter(({ status }) => status === "skipped").length;
  const counted = `${passed} of ${gates.length - skipped} gates pass${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  const broken = findings.filter(({ severity }) => severity === "fail").length;
  const signs = broken > 0 ? `, ${broken} ${broken === 1 ? "sign" : "signs"} of a broken model` : "";
  return `${{ pass: "may ship", fail: "must not ship", inconclusive: "is not decided" }[verdict]}: ${counted}${signs}`;
}
