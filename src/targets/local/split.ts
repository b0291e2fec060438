// Which request goes to the canary: a random one of each block, so that the share is exact and nothing repeats.

/** Shares are kept in millionths: 0.1 % and 5 % are then whole numbers and no rounding adds up. */
const whole = 1_000_000;

/**
 * Stratified sampling of requests: at 5 % one of each twenty, at a place of its own in each twenty.
 * An even spread would be as exact, but traffic that repeats itself, such as a nightly job over the
 * same rows, would then show the canary the same few rows for ever.
 */
export class Splitter {
  readonly #random: () => number;
  #step = 0;
  /** How far into the present block the requests are, in millionths, and where in it the canary's lies. */
  #sum = 0;
  #place = Number.POSITIVE_INFINITY;
  /** Requests owed to the canary: at large shares two places can fall on one request. */
  #owed = 0;

  /** @param random from 0 to before 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

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
    this.#owed = 0;
    this.#place = this.#choosePlace();
  }

  /** Decides for the next request. */
  next(): "stable" | "canary" {
    this.#sum += this.#step;
    this.#countPlace();
    if (this.#sum >= whole) {
      this.#sum -= whole;
      this.#place = this.#choosePlace();
      this.#countPlace();
    }
    if (this.#owed === 0) return "stable";
    this.#owed -= 1;
    return "canary";
  }

  #countPlace(): void {
    if (this.#sum < this.#place) return;
    this.#owed += 1;
    this.#place = Number.POSITIVE_INFINITY;
  }

  #choosePlace(): number {
    return Math.floor(this.#random() * whole) + 1;
  }
}
