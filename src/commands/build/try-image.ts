// The checks that an image passes before it may be pushed: size, answers, end, known vulnerabilities.
import { quantityOf } from "../../cluster/quantity.ts";
import type { Platform } from "../../config/image-keys.ts";
import type { BuiltImage, SelfTest } from "../../image/built.ts";
import { checkDrain } from "../../image/check/drain.ts";
import { checkParity, showDelta } from "../../image/check/parity.ts";
import type { Engine } from "../../image/ports.ts";
import { selfTest } from "../../image/check/self-test.ts";
import { checkSize } from "../../image/check/sizes.ts";
import { scanImage } from "../../image/check/vulnerabilities.ts";
import type { Golden } from "../../validation/golden.ts";
import { showBytes } from "../../validation/show.ts";
import type { Host } from "../host.ts";
import type { Project } from "../project.ts";
import { inStep } from "../step.ts";
import type { Workshop } from "./workshop.ts";

/** Processes and threads of an image that is tried out. */
const pids = 512;

/** What is tried out. */
export interface TrialOf {
  layoutFolder: string;
  golden: Golden;
  workshop: Workshop;
  /** The port that the image listens on. */
  port: number;
  /** The model, where it is no layer of the image. */
  files: { from: string; to: string } | null;
}

/** Tries the image of the engine's own platform out, and holds what was seen against mlship.yaml. */
export async function tryImage(
  { config }: Project,
  host: Host,
  engine: Engine,
  { layoutFolder, golden, workshop, port, files }: TrialOf,
): Promise<SelfTest> {
  return await inStep(host, `try the image on ${engine.name}`, async (update) => {
    const limits = {
      memory: Math.floor(quantityOf(config.deploy.resources.memory) ?? Number.NaN),
      pids,
      port,
      files,
    };
    const result = await selfTest(
      {
        layoutFolder,
        owner: workshop.owner,
        golden,
        limits,
        startTimeoutMs: config.deploy.canary.startTimeoutMs,
        timeoutMs: config.serve.timeoutMs,
      },
      { engine, asking: await host.asking(), clock: host.clock, signal: host.signal, onStage: update },
    );
    checkTrial(config.image.parity, result, engine.platform);
    return { result, told: showTrial(result) };
  });
}

/** `ready in 0.9 s, 61 MB, 0 of 171 rows differ, 412 requests answered at its end` */
export function showTrial({ readyMs, rss, parity, drain }: SelfTest): string {
  const seconds = (readyMs / 1000).toFixed(1);
  const differ = `${parity.flips} of ${parity.rows} rows flip, largest difference ${showDelta(parity.maxDelta)}`;
  return `ready in ${seconds} s, ${showBytes(rss)} resident; ${differ}; ended well under ${drain.answered} requests`;
}

/** @throws MlshipError `image.parity`, `image.drain`, exit 3. */
function checkTrial(
  limits: Project["config"]["image"]["parity"],
  { parity, drain }: SelfTest,
  platform: Platform,
): void {
  checkParity(parity, limits, platform);
  checkDrain(drain, platform);
}

/**
 * Holds what is known of an image against mlship.yaml as it is now.
 * @throws MlshipError `image.too-large`, `image.parity`, `image.drain`, exit 3.
 */
export function checkImages({ config }: Project, images: BuiltImage["images"]): void {
  for (const image of images) {
    checkSize(image, config.image.maxSize);
    if (image.selfTest !== null) checkTrial(config.image.parity, image.selfTest, image.platform);
  }
}

/** Finds out that the scanner is missing before the long work begins. @throws MlshipError `image.no-scanner`, exit 5. */
export async function requireScanner({ config }: Project, host: Host): Promise<void> {
  const { failOn } = config.image.scan;
  if (failOn !== "none") await scanImage("", [], failOn, await host.scanner(), () => {});
}

/** Looks for known vulnerabilities when mlship.yaml asks for it. */
export async function lookForVulnerabilities(
  { config }: Project,
  host: Host,
  layoutFolder: string,
  images: Pick<BuiltImage["images"][number], "manifest">[],
): Promise<void> {
  const { failOn } = config.image.scan;
  const manifests = images.map(({ manifest }) => manifest);
  const scanner = failOn === "none" ? null : await host.scanner();
  await scanImage(layoutFolder, manifests, failOn, scanner, (line) => host.progress.note(line));
}
