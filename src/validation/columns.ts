// The names of a data file's columns, before anybody has said which of them is the target.
import { openDatabase } from "./database.ts";
import { loadTable } from "./source.ts";

/**
 * Names in the order of the file.
 * @throws MlshipError `data.*`, exit 2, as `openDataset`.
 */
export async function readColumnNames(file: string): Promise<string[]> {
  const { connection, close } = await openDatabase();
  try {
    return (await loadTable(connection, file)).columns.map(({ name }) => name);
  } finally {
    close();
  }
}
