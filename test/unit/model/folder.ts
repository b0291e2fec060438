// Temporary folders for tests that need real files, and the trained fixtures.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder with these files, removed after the test. */
export function folderWith(files: Record<string, string | Uint8Array>): string {
  const folder = mkdtempSync(join(tmpdir(), "mlship-model-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** A file with this content, removed after the test. */
export function fileWith(name: string, content: string | Uint8Array): string {
  return join(folderWith({ [name]: content }), name);
}

const formats = join(import.meta.dirname, "../../../fixtures/formats");

/** Every trained model of fixtures/formats: case → path of the model. */
export const fixtures: Record<string, string> = Object.fromEntries(
  readdirSync(formats, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => [name, join(formats, name, modelIn(join(formats, name)))]),
);

function modelIn(folder: string): string {
  const model = readdirSync(folder).find((name) => /^model(\.|$)/.test(name));
  if (model === undefined) throw new Error(`${folder} has no model`);
  return model;
}
