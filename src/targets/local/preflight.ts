// What would keep a revision from being started here, found before anything is changed.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { MlshipError } from "../../errors.ts";
import { errorText, replaceJson } from "./durable.ts";
import { rmSync } from "node:fs";
import { portError } from "./gateway.ts";
import type { Places } from "./places.ts";
import type { Processes } from "./ports.ts";

/** Whether a port of 127.0.0.1 is free. @throws MlshipError `port.in-use`, exit 5, that names who has it. */
export async function checkPort(port: number, processes: Processes): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const probe = createServer();
  probe.once("error", resolve);
  probe.listen({ host: "127.0.0.1", port }, () => probe.close(() => resolve(null)));
  const cause = await promise;
  if (cause !== null) throw portError(port, cause, await processes.listener(port));
}

/** Whether the interpreter and the bundle are there. @throws MlshipError `python.missing` or `bundle.missing`. */
export async function checkMaterial(material: { python: string; bundleFolder: string }): Promise<void> {
  const { python, bundleFolder } = material;
  await access(python, constants.X_OK).catch((cause: unknown) => {
    throw new MlshipError({
      code: "python.missing",
      what: `the Python of this model's environment cannot be run: ${python}`,
      why: errorText(cause),
      fix: "run the command again: it is made anew when the cache was cleared",
      exit: "unavailable",
      cause,
    });
  });
  await stat(path.join(bundleFolder, "mlship.json")).catch((cause: unknown) => {
    throw new MlshipError({
      code: "bundle.missing",
      what: `there is no bundle in ${bundleFolder}`,
      why: errorText(cause),
      fix: "run `mlship deploy` again: it is made anew from the store",
      exit: "unavailable",
      cause,
    });
  });
}

/** Whether state can be written. @throws MlshipError `state.not-written`, exit 5. */
export function checkDisk(places: Places): void {
  const file = path.join(places.folder, "preflight.json");
  replaceJson(file, { probe: "x".repeat(4096) });
  rmSync(file, { force: true });
}

/** A deployment keeps the port that its users know. */
export function portMoved(serving: number, wanted: number): MlshipError {
  return new MlshipError({
    code: "port.moved",
    what: `this deployment serves on port ${serving}, not on ${wanted}`,
    why: "`serve.port` has changed since it was started, and its users would lose it",
    fix: `set \`serve.port\` back to ${serving}, or stop the deployment first`,
    exit: "usage",
  });
}
