// How a large file is cut into parts: the same for everybody, so that any machine can go on with an upload.

const mebi = 1 << 20;
const smallest = 8 * mebi;
/** S3 takes no larger part. */
const largest = 5 * 1024 * mebi;
/** S3 takes 10,000 parts; some are left over. */
const mostParts = 9000;
/** Bytes of parts that are in memory, where two of them fit. */
const memory = 40 * mebi;

/** Bytes of every part but the last, whole MiB. */
export function partSizeOf(size: number): number {
  const whole = Math.ceil(Math.ceil(size / mostParts) / mebi) * mebi;
  return Math.min(Math.max(whole, smallest), largest);
}

/** Whether a file is sent in parts. */
export function isLarge(size: number): boolean {
  return size > smallest;
}

/** Parts that are in memory at once. */
export function partsTogether(partSize: number): number {
  return Math.min(Math.max(Math.floor(memory / partSize), 2), 5);
}
