// A project folder with one mlship.yaml, for tests of the loader.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { loadConfig, type LoadOptions } from "../../../src/config/load.ts";

/** The least that mlship.yaml may hold: five lines. */
export const least = `name: fraud
version: 1.4.0
model: { path: model.joblib }
validate:
  data: test_data.csv
`;

export function makeFolder(text?: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "mlship-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (text !== undefined) writeFileSync(join(folder, "mlship.yaml"), text);
  return folder;
}

export function load(text: string | Uint8Array, options: Partial<LoadOptions> = {}) {
  return loadConfig({ cwd: makeFolder(text), env: {}, set: [], ...options });
}

/** The error that loading ends in. */
export async function failure(loading: Promise<unknown>): Promise<MlshipError> {
  const error = await loading.then(
    () => new Error("it loaded"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MlshipError);
  return error as MlshipError;
}

/** Every problem as one line: `3:5 what → fix`. */
export async function problems(
  text: string | Uint8Array,
  options: Partial<LoadOptions> = {},
): Promise<string[]> {
  const error = await failure(load(text, options));
  expect(error.code).toBe("config.invalid");
  expect(error.exit).toBe("usage");
  return error.problems.map(({ what, fix, at }) => {
    const place = at ? `${at.line ?? ""}:${at.column ?? ""} ` : "";
    return `${place}${what}${fix === undefined ? "" : ` → ${fix}`}`;
  });
}
