// Builds an image twice from nothing: equal inputs must give equal bytes.
import { rm } from "node:fs/promises";
import { MlshipError } from "../../errors.ts";
import { findDifference } from "../../image/oci/layout-difference.ts";
import type { Layout } from "../../image/oci/layout.ts";
import type { Builder, BuildRequest } from "../../image/ports.ts";
import type { Host } from "../host.ts";
import { runBuilder } from "./run-builder.ts";

/**
 * @param secondFolder for the layout of the second build; removed afterwards
 * @returns the first layout
 * @throws MlshipError `build.not-reproducible`, exit 3, naming the first layer and file that differ.
 */
export async function buildTwice(
  host: Host,
  builder: Builder,
  request: Omit<BuildRequest, "onEvent">,
  secondFolder: string,
): Promise<Layout> {
  const first = await runBuilder(host, builder, request);
  const second = await runBuilder(host, builder, { ...request, layoutFolder: secondFolder });
  try {
    if (first.root.digest === second.root.digest) {
      host.progress.note(`built twice from nothing: both times ${first.root.digest}`);
      return first;
    }
    const names = request.plan.layers.map(({ name }) => name);
    throw new MlshipError({
      code: "build.not-reproducible",
      what: "two builds from the same inputs made two images",
      why: `${first.root.digest} and ${second.root.digest}: ${await findDifference(first, second, names)}`,
      fix: "let the template of the Dockerfile make the same bytes every time; without a template of your own, report this",
      exit: "gate",
    });
  } finally {
    await rm(secondFolder, { recursive: true, force: true });
  }
}
