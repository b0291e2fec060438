// How far work is: what is done, rate and time left, for whoever waits.
import { showBytes, showCount } from "../validation/show.ts";
import type { Clock } from "./host.ts";

/** Earlier than this, in seconds, a rate says more about the beginning than about the rest. */
const settled = 1;

/**
 * Tells a step after each batch: `120,000 of 1,000,000 rows, 45,000/s, 20 s left`.
 * @param update replaces the step's detail
 */
export function rowPace(
  update: (detail: string) => void,
  clock: Pick<Clock, "monotonic">,
): (done: number, total: number) => void {
  return pace(update, clock, (done, total) => `${showCount(done)} of ${showCount(total)} rows`, showRows);
}

/**
 * Tells a step after each piece: `1.0 MiB of 2.0 GiB, 110 MiB/s, 20 s left`.
 * @param total bytes of all pieces
 * @returns told the bytes of one more piece
 */
export function bytePace(
  update: (detail: string) => void,
  clock: Pick<Clock, "monotonic">,
  total: number,
): (more: number) => void {
  let done = 0;
  const tell = pace(update, clock, () => `${showBytes(done)} of ${showBytes(total)}`, showBytes);
  return (more) => {
    done += more;
    tell(done, total);
  };
}

function pace(
  update: (detail: string) => void,
  clock: Pick<Clock, "monotonic">,
  showFar: (done: number, total: number) => string,
  showRate: (perSecond: number) => string,
): (done: number, total: number) => void {
  const began = clock.monotonic();
  return (done, total) => {
    const seconds = (clock.monotonic() - began) / 1000;
    const far = showFar(done, total);
    if (seconds < settled || done === 0) return update(far);
    const rate = done / seconds;
    const left = done < total ? `, ${showLeft((total - done) / rate)} left` : "";
    update(`${far}, ${showRate(rate)}/s${left}`);
  };
}

/** Two digits: a rate is never the same twice. */
function showRows(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : showCount(Number(rate.toPrecision(2)));
}

/** Seconds up to two minutes, then minutes, then hours. */
function showLeft(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
