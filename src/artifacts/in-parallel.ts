// Works on many things at once, within a bound on how many they are and how many bytes they hold.

/** So many at once: enough to hide a store's round trips. */
const most = 32;

/** So many bytes at once: small files fill it together, a large one has it alone. */
const room = 32 * 1024 * 1024;

/** What bounds {@link inParallel}. */
export interface Bounds<T> {
  /** Bytes that an item keeps in memory or on its way; 0 by default. */
  sizeOf?: (item: T) => number;
  /** Nothing is begun after it was aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * Works on each item, and gives the results in the items' order. After a failure nothing more is
 * begun; what is under way ends before the failure is thrown, so that nobody works behind it.
 * @throws what `work` throws first, or the reason of `signal`
 */
export async function inParallel<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
  { sizeOf = () => 0, signal }: Bounds<T> = {},
): Promise<R[]> {
  const results: R[] = [];
  const running = new Map<number, Promise<void>>();
  let held = 0;
  let begun = 0;
  const begin = async (item: T, place: number, size: number) => {
    held += size;
    // One that fails stays among them, where whoever waits next meets it.
    results[place] = await work(item);
    held -= size;
    running.delete(place);
  };
  const isFull = (size: number) => running.size >= most || held + size > room;
  try {
    for (const item of items) {
      const size = Math.min(sizeOf(item), room);
      while (isFull(size)) await Promise.race(running.values());
      signal?.throwIfAborted();
      running.set(begun, begin(item, begun, size));
      begun += 1;
    }
    await Promise.all(running.values());
    return results;
  } finally {
    await Promise.allSettled(running.values());
  }
}
