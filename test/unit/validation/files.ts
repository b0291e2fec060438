// Data files in a folder that goes away with the test, and the error that opening one ends in.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { type Dataset, openDataset, type Roles } from "../../../src/validation/dataset.ts";

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mlship-data-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Writes a data file and opens it until the test ends. */
export async function openText(
  name: string,
  content: string | Uint8Array,
  roles: Roles = { target: "y" },
): Promise<Dataset> {
  const file = join(await tempFolder(), name);
  await writeFile(file, content);
  return keepOpen(await openDataset(file, roles));
}

export function keepOpen(dataset: Dataset): Dataset {
  onTestFinished(() => dataset.close());
  return dataset;
}

/** The MlshipError that a promise ends in. */
export async function errorOf(promise: Promise<unknown>): Promise<MlshipError> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (cause: unknown) => cause,
  );
  if (error instanceof MlshipError) return error;
  throw error;
}

/** A CSV file of ten rows: `first` after the header, then rows that repeat `filler`. */
export function csv(header: string, filler: string, first: string[] = []): string {
  return `${[header, ...first, ...Array.from({ length: 10 - first.length }, () => filler)].join("\n")}\n`;
}
