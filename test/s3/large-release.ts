// A release whose model is a file that S3 takes in parts.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestBytes } from "../../src/digest.ts";
import { exampleRelease } from "../unit/artifacts/example.ts";
import type { Example } from "../unit/artifacts/example.ts";

/** Two parts. */
const size = 9 * 1024 * 1024;

/**
 * The same bytes for the same version, in whatever process.
 * @param folder where the file is made, unless it is there.
 */
export function largeRelease(version: string, folder: string): Example {
  const weights = `weights of ${version} `.repeat(size / 16).slice(0, size);
  const { release, sources } = exampleRelease(version, weights);
  const digest = digestBytes(weights);
  const file = join(folder, `weights-${version}.bin`);
  if (!existsSync(file)) writeFileSync(file, weights);
  return { release, sources: new Map([...sources, [digest, { file }]]) };
}
