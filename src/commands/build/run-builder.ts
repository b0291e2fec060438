// Runs a builder as one visible step and reads what it made.
import { readLayout, type Layout } from "../../image/oci/layout.ts";
import type { Builder, BuildRequest } from "../../image/ports.ts";
import type { Host } from "../host.ts";
import { inStep } from "../step.ts";
import { showBuild } from "./show-build.ts";

/** @throws MlshipError `build.*`, `docker.*`, exit 5; `image.damaged` when the builder made no whole layout. */
export async function runBuilder(
  host: Host,
  builder: Builder,
  request: Omit<BuildRequest, "onEvent">,
): Promise<Layout> {
  return await inStep(host, `image, with ${builder.name}`, async (update) => {
    const shown = showBuild(host, update);
    await builder.build({ ...request, onEvent: shown.take });
    host.signal.throwIfAborted();
    const result = await readLayout(request.layoutFolder);
    return { result, told: shown.summary() };
  });
}
