// The names of a data file's columns, before anybody has said which of them is the target.
import { DuckDBInstance } from "@duckdb/node-api";
import { loadTable } from "./source.ts";

/**
 * Names in the order of the file.
 * @throws MlshipError `data.*`, exit 2, as `openDataset`.
 */
export async function readColumnNames(file: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    return (await loadTable(connection, file)).map(({ name }) => name);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
