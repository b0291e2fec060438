// How far scoring is: rows, rate and time left, for whoever waits.
import { showCount } from "../validation/show.ts";
import type { Clock } from "./host.ts";

/** Earlier than this, in seconds, a rate says more about the first batch than about the rest. */
const settled = 1;

/**
 * Tells a step after each batch: `120,000 of 1,000,000 rows, 45,000/s, 20 s left`.
 * @param update replaces the step's detail
 */
export function scoringProgress(
  update: (detail: string) => void,
  clock: Pick<Clock, "monotonic">,
): (done: number, total: number) => void {
  const began = clock.monotonic();
  return (done, total) => {
    const seconds = (clock.monotonic() - began) / 1000;
    const far = `${showCount(done)} of ${showCount(total)} rows`;
    if (seconds < settled || done === 0) return update(far);
    const rate = done / seconds;
    const left = done < total ? `, ${showLeft((total - done) / rate)} left` : "";
    update(`${far}, ${showRate(rate)}/s${left}`);
  };
}

/** Two digits: a rate is never the same twice. */
function showRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : showCount(Number(rate.toPrecision(2)));
}

/** Seconds up to two minutes, then minutes, then hours. */
function showLeft(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
