// Which request goes to the canary: evenly spread, so that the share is exact over every short run.

/** Shares are kept in millionths: 0.1 % and 5 % are then whole numbers and no rounding adds up. */
const whole = 1_000_000;

/** Bresenham's line over requests: of any n in a row, n × share ± 1 go to the canary. */
export class Splitter {
  #step = 0;
  #sum = 0;

  /** Share of the canary, 0 to 1. */
  get share(): number {
    return this.#step / whole;
  }

  set share(share: number) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`a share lies between 0 and 1, not at ${share}`);
    const step = Math.round(share * whole);
    if (step === this.#step) return;
    this.#step = step;
    this.#sum = 0;
  }

  /** Decides for the next request. */
  next(): "stable" | "canary" {
    this.#sum += this.#step;
    if (this.#sum < whole) return "stable";
    this.#sum -= whole;
    return "canary";
  }
}
