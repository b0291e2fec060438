// Whether an image ends well: requests under way when SIGTERM comes are answered, and it exits with 0.
import { MlshipError } from "../../errors.ts";
import type { Columns } from "../../validation/ports.ts";
import type { SelfTest } from "../built.ts";
import type { Ask, Container } from "../ports.ts";

/** Clients that ask at the same time: each has a request under way at any moment. */
const clients = 8;

/**
 * Lets clients ask without pause, ends the server in the middle of it, and counts. A request that
 * was begun before the signal must be answered; none is begun after it.
 * @param timeoutMs time for one request
 * @param graceMs time for the server to end
 */
export async function measureDrain(
  container: Container,
  ask: Ask,
  columns: Columns,
  { timeoutMs, graceMs }: { timeoutMs: number; graceMs: number },
): Promise<SelfTest["drain"]> {
  let [answered, lost, isEnding] = [0, 0, false];
  const warm = Array.from({ length: clients }, () => Promise.withResolvers<void>());
  const working = warm.map(async ({ resolve }) => {
    while (!isEnding) {
      try {
        await ask(container.url, columns, timeoutMs);
        answered += 1;
      } catch {
        // Counted: what was lost is the result.
        lost += 1;
        isEnding = true;
      }
      resolve();
    }
  });
  await Promise.all(warm.map(({ promise }) => promise));
  isEnding = true;
  const exitCode = await container.stop(graceMs);
  await Promise.all(working);
  return { answered, lost, exitCode };
}

/** @throws MlshipError `image.drain`, exit 3. */
export function checkDrain({ answered, lost, exitCode }: SelfTest["drain"], platform: string): void {
  if (lost === 0 && exitCode === 0) return;
  const how = exitCode === null ? "had to be killed" : `ended with ${exitCode}`;
  const requests = lost === 0 ? "no request was lost" : `${lost} of ${answered + lost} requests were lost`;
  throw new MlshipError({
    code: "image.drain",
    what: `the image for ${platform} does not end well when it is told to`,
    why: `on SIGTERM it ${how}; ${requests}`,
    fix: "let the handler leave signals and exits to the server, then run mlship build again",
    exit: "gate",
  });
}
