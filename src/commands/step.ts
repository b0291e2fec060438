// One visible step of a command.
import type { Host } from "./host.ts";

/** Runs `work` as one visible step. Ctrl-C ends the command between steps, also where nothing waits for it. */
export async function inStep<T>(
  host: Host,
  title: string,
  work: (update: (detail: string) => void) => Promise<{ result: T; told: string }>,
): Promise<T> {
  host.signal.throwIfAborted();
  const step = host.progress.step(title);
  try {
    const { result, told } = await work((detail) => step.update(detail));
    step.done(told);
    return result;
  } catch (error) {
    step.fail();
    throw error;
  }
}
