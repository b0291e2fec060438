// Files that are there whole or not at all, also when the process is killed.
import { rename, writeFile } from "node:fs/promises";

/** Writes a document as JSON. Its temporary name is its own: two commands may write the same file at once. */
export async function writeWhole(file: string, document: object): Promise<void> {
  const part = `${file}.${crypto.randomUUID()}.part`;
  await writeFile(part, `${JSON.stringify(document, null, 2)}\n`);
  await rename(part, file);
}
