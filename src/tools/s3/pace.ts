// How many requests may run at once: more while the server keeps up, half as many when it says that it cannot.

/** Additive increase, multiplicative decrease, as TCP has it (RFC 5681). */
export class Pace {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #running = 0;
  /** Requests to be over before the limit is halved again: those that run now were begun too fast. */
  #grace = 0;

  constructor(first: number, most: number) {
    this.#limit = first;
    this.#most = most;
  }

  /** Requests that may run at once. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Runs as soon as there is room. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.limit) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#grace = Math.max(0, this.#grace - 1);
      this.#admit();
    }
  }

  /** The server did what it was asked. */
  faster(): void {
    this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
    this.#admit();
  }

  /** The server said that it is asked too much. */
  slower(): void {
    if (this.#grace > 0) return;
    this.#grace = this.#running;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** A place is handed over, so that nobody can take it in between. */
  #admit(): void {
    while (this.#running < this.limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      next();
    }
  }
}
