// Numbers as the reasons of gates show them: a value with its interval, and numbers that differ never look equal.
import { showCount, showNumber } from "../show.ts";

/** Numbers with as many decimals as it takes to tell them apart, at least four. */
export function showTogether(values: readonly number[]): string[] {
  const different = new Set(values).size;
  for (let decimals = 4; decimals < 15; decimals++) {
    const shown = values.map((value) => showNumber(value, decimals));
    if (new Set(shown).size === different) return shown;
  }
  return values.map(String);
}

/** `0.88–0.94`; with `to` where a minus sign would be read as the dash. */
export function showRange([lo = "", hi = ""]: readonly string[]): string {
  return lo.startsWith("-") || hi.startsWith("-") ? `${lo} to ${hi}` : `${lo}–${hi}`;
}

/** `about 1,900 rows`: two digits, since the rows to come are not these. */
export function showRows(rows: number): string {
  const size = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, rows))) - 1);
  return `about ${showCount(Math.ceil(rows / size) * size)} rows`;
}

/** What to do about a gate that needs more rows, or none that any number of rows would decide. */
export function askForRows(rows: number | null, n: number): string {
  if (rows === null) return "the value is at the bound itself: no number of rows decides it; move the bound";
  return `${showRows(rows)} like these would decide it, there are ${showCount(n)}`;
}
