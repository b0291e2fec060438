// A DuckDB of its own for one data file, in memory and without extensions from anywhere.
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** An open database; whoever opened it closes it. */
export interface Database {
  connection: DuckDBConnection;
  close: () => void;
}

/** Opens an empty database that installs and loads nothing by itself. */
export async function openDatabase(): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
