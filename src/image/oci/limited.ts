// Does the same to many things, a few at a time.

/**
 * Calls `work` for every item, at most `limit` at a time, and gives what it gives, in the items'
 * order. After a failure nothing new is begun; it is thrown when what was begun has ended.
 */
export async function limited<Item, Made>(
  limit: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Made>,
): Promise<Made[]> {
  const made = new Map<number, Made>();
  const failures: unknown[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [place, item] of queue) {
      if (failures.length > 0) return;
      try {
        made.set(place, await work(item));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return [...made].sort(([a], [b]) => a - b).map(([, result]) => result);
}
