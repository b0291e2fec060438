// Random numbers that a seed and a number of a draw decide: the same ones in any order and any thread.

/** Scrambles 32 bits so that each of them depends on all (the finaliser of MurmurHash3). */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A stream of random numbers of its own for each draw. The generator is Doty-Humphrey's sfc32. */
export class Stream {
  readonly #state = new Int32Array(4);

  /** The stream number `draw` of a seed, both whole numbers below 2^32. */
  constructor(seed: number, draw: number) {
    const mixed = scramble(seed ^ 0x9e3779b9) ^ scramble(draw + 0x7f4a7c15);
    this.#state.set([scramble(mixed), scramble(draw ^ 0x6a09e667), scramble(seed + 0x3c6ef372), 1]);
    for (let step = 0; step < 12; step++) this.#bits();
  }

  #bits(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, count = 0] = [state[0], state[1], state[2], state[3]];
    const sum = (((a + b) | 0) + count) | 0;
    state[3] = count + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform between 0 and 1, never either. */
  uniform(): number {
    return (this.#bits() + 0.5) / 4294967296;
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    for (;;) {
      const [x, y] = [2 * this.uniform() - 1, 2 * this.uniform() - 1];
      const square = x * x + y * y;
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
    }
  }

  /** Gamma with a shape > 0 and scale 1 (Marsaglia and Tsang, 2000). */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * this.uniform() ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(this.uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** Adds `rows` draws with replacement out of `counts.length` rows to the counts. */
  resample(counts: Uint8Array | Uint16Array, rows: number): void {
    const state = this.#state;
    let [a = 0, b = 0, c = 0, count = 0] = [state[0], state[1], state[2], state[3]];
    const scale = counts.length / 4294967296;
    for (let draw = 0; draw < rows; draw++) {
      const sum = (((a + b) | 0) + count) | 0;
      count = (count + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      const row = ((sum >>> 0) * scale) >>> 0;
      counts[row] = (counts[row] ?? 0) + 1;
    }
    state.set([a, b, c, count]);
  }
}
