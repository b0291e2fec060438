// Durations and sizes as people write them: "500ms", "10m", "512MiB".

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const bytes = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const;

/** A whole number and a unit: `500ms`, `2s`, `10m`, `1h`, `7d`. */
export const durationPattern = /^(0|[1-9]\d{0,8})(ms|s|m|h|d)$/;

/** A whole number and a unit: `64KiB`, `512MiB`, `200MB`. */
export const sizePattern = /^(0|[1-9]\d{0,8})(B|kB|MB|GB|KiB|MiB|GiB)$/;

/** The milliseconds of a duration that matches {@link durationPattern}; NaN for any other text. */
export function parseDuration(text: string): number {
  return parseQuantity(text, durationPattern, milliseconds);
}

/** The bytes of a size that matches {@link sizePattern}; NaN for any other text. */
export function parseSize(text: string): number {
  return parseQuantity(text, sizePattern, bytes);
}

function parseQuantity(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number {
  const [, count, unit] = pattern.exec(text) ?? [];
  return Number(count) * (units[unit ?? ""] ?? Number.NaN);
}
