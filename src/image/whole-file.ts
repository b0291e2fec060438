// Files that are there whole or not at all, also when the process is killed.
import { rename, rm, writeFile } from "node:fs/promises";

/** Writes a document as JSON. */
export async function writeWhole(file: string, document: object): Promise<void> {
  await writeWholeText(file, `${JSON.stringify(document, null, 2)}\n`);
}

/** Writes a text. Its temporary name is its own: two commands may write the same file at once. */
export async function writeWholeText(file: string, text: string): Promise<void> {
  const part = `${file}.${crypto.randomUUID()}.part`;
  try {
    await writeFile(part, text);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
