// A DuckDB of its own for one data file, in memory and without extensions from anywhere.
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** An open database; whoever opened it closes it. */
export interface Database {
  connection: DuckDBConnection;
  /** Another connection to the same tables, for a query that is read while others are asked. */
  connect: () => Promise<DuckDBConnection>;
  close: () => void;
}

/** What DuckDB may hold in memory: with the arrays of ten million rows and Python beside it, less than 1 GiB. */
const memoryLimit = "256MiB";

/**
 * Opens an empty database that installs and loads nothing by itself.
 * @param spill a folder, made when it is first needed, for what does not fit into 256 MiB; its owner
 *   removes it. Null keeps everything in memory, however much it is.
 */
export async function openDatabase(spill: string | null = null): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // Else a folder beside the user's own files.
    temp_directory: spill ?? "",
    ...(spill === null ? {} : { memory_limit: memoryLimit }),
  });
  const connection = await instance.connect();
  return {
    connection,
    connect: () => instance.connect(),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
