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
  const failures: unknown[] = [];
  /** What is under way: how many items, and their bytes. */
  const under = { way: 0, bytes: 0 };
  let wake = () => {};
  /** One promise at a time: racing all that run costs more than a small request. */
  const changed = () => new Promise<void>((resolve) => (wake = resolve));
  const begin = async (item: T, place: number, size: number) => {
    under.way += 1;
    under.bytes += size;
    try {
      results[place] = await work(item);
    } catch (error) {
      failures.push(error);
    }
    under.way -= 1;
    under.bytes -= size;
    wake();
  };
  let begun = 0;
  try {
    for (const item of items) {
      const size = Math.min(sizeOf(item), room);
      while (under.way >= most || under.bytes + size > room) await changed();
      if (failures.length > 0 || signal?.aborted) break;
      void begin(item, begun, size);
      begun += 1;
    }
  } finally {
    while (under.way > 0) await changed();
  }
  if (failures.length > 0) throw failures[0];
  signal?.throwIfAborted();
  return results;
}
