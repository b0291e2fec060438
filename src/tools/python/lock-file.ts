// Keeps locks in the project, each under the inputs it was made from: the same inputs, the same lock.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { canonicalJson, digestBytes } from "../../digest.ts";
import { missing } from "../leftovers.ts";

/** What a lock is made from. */
export interface LockInputs {
  /** The model's and the server's, sorted. */
  requirements: string[];
  /** As asked for: `3.12` or `auto`. */
  python: string;
  platform: string;
  /** Normalised names of distributions that may be built from source. */
  allowSource: string[];
  /** `name==version` of mlship.lock, kept where the requirements allow it. */
  preferred: string[];
}

/** What locking adds to its inputs. */
export interface Pins {
  /** The minor version that was locked for. */
  python: string;
  /** requirements.txt with hashes. */
  requirements: string;
}

const lockFileSchema = z.strictObject({
  schema: z.literal("mlship.pins/v1"),
  inputs: z.strictObject({
    requirements: z.array(z.string()),
    python: z.string(),
    platform: z.string(),
    allowSource: z.array(z.string()),
    preferred: z.array(z.string()),
  }),
  pins: z.strictObject({ python: z.string(), requirements: z.string() }),
});

/** The pins made earlier from these inputs, or null; a file that cannot be read as a lock is none. */
export async function readPins(folder: string, inputs: LockInputs): Promise<Pins | null> {
  const text = await readFile(fileOf(folder, inputs), "utf8").catch(missing);
  if (text === null) return null;
  const parsed = lockFileSchema.safeParse(parse(text));
  return parsed.success && canonicalJson(parsed.data.inputs) === canonicalJson(inputs)
    ? parsed.data.pins
    : null;
}

/** Keeps pins under their inputs; all or nothing. */
export async function writePins(folder: string, inputs: LockInputs, pins: Pins): Promise<void> {
  const file = fileOf(folder, inputs);
  const temporary = `${file}.${randomUUID()}`;
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(temporary, `${JSON.stringify({ schema: "mlship.pins/v1", inputs, pins }, null, 2)}\n`);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

function fileOf(folder: string, inputs: LockInputs): string {
  const hex = digestBytes(canonicalJson(inputs)).slice("sha256:".length);
  return join(folder, `${hex.slice(0, 16)}.json`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
