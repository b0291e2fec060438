// Quantities of Kubernetes as numbers.

const factors: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of `512Mi`, `0.5G`, `1000000`. The configuration's schema has let only quantities through. */
export function parseQuantity(text: string): number {
  const [, number = "", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? [];
  return Math.floor(Number(number) * (factors[unit] ?? Number.NaN));
}
